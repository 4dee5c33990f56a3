create function similarity(text, text) returns real language sql immutable strict return 0::real;
create function word_similarity(text, text) returns real language sql immutable strict return 0::real;

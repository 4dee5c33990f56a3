create function moddatetime() returns trigger language plpgsql as 'begin return new; end';

create domain citext as text;

create table t (a int primary key unique, b int unique, unique (b), c int unique not null);

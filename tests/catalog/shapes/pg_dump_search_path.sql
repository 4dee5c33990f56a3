select pg_catalog.set_config('search_path', '', false);
create table public.t (id integer not null, a text);
create sequence public.t_id_seq;
alter sequence public.t_id_seq owned by public.t.id;
alter table only public.t alter column id set default nextval('public.t_id_seq'::regclass);
alter table only public.t add constraint t_pkey primary key (id);
create index t_a_idx on public.t using btree (a);

"""The schema before the first migration: what a dump and what a Prisma schema say."""

from pathlib import Path

import pytest

from senior_backend.catalog import load
from senior_backend.errors import InputError
from tests.catalog import truth

PRISMA = """
datasource db { provider = "postgresql" }
enum Role {
  USER
  ADMIN @map("admin")
}
/// A person.
model User {
  id        Int      @id @default(autoincrement())
  email     String   @unique @db.VarChar(200)
  role      Role     @default(USER)
  createdAt DateTime @default(now()) @map("created_at") @db.Timestamptz(6)
  posts     Post[]
  tags      Tag[]
  @@index([role, createdAt(sort: Desc)])
  @@map("users")
}
model Post {
  id       String @id @default(uuid()) @db.Uuid
  authorId Int?
  author   User?  @relation(fields: [authorId], references: [id], onDelete: Cascade)
  total    Decimal
  @@unique([authorId, total], map: "once")
}
model Tag {
  name  String @id
  users User[]
}
"""
SAME = """
create type "Role" as enum ('USER', 'admin');
create table users (id serial not null, email varchar(200) not null,
  role "Role" not null default 'USER', created_at timestamptz(6) not null default now(),
  constraint users_pkey primary key (id));
create unique index users_email_key on users (email);
create index users_role_created_at_idx on users (role, created_at desc);
create table "Post" (id uuid not null, "authorId" int, total decimal(65,30) not null,
  constraint "Post_pkey" primary key (id));
create unique index once on "Post" ("authorId", total);
create table "Tag" (name text not null, constraint "Tag_pkey" primary key (name));
alter table "Post" add constraint "Post_authorId_fkey" foreign key ("authorId")
  references users (id) on delete cascade on update cascade;
create table "_TagToUser" ("A" text not null, "B" int not null,
  constraint "_TagToUser_AB_pkey" primary key ("A", "B"));
create index "_TagToUser_B_index" on "_TagToUser" ("B");
alter table "_TagToUser" add constraint "_TagToUser_A_fkey" foreign key ("A")
  references "Tag" (name) on delete cascade on update cascade;
alter table "_TagToUser" add constraint "_TagToUser_B_fkey" foreign key ("B")
  references users (id) on delete cascade on update cascade;
"""


def test_a_prisma_schema_is_what_prisma_migrate_makes_of_it(tmp_path: Path) -> None:
    file = tmp_path / "schema.prisma"
    file.write_text(PRISMA)
    assert truth.of_model(load.from_file(file)) == truth.of_model(truth.replayed(SAME))


def test_a_dump_is_complete_and_leaves_the_usual_search_path(tmp_path: Path) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(
        "SELECT pg_catalog.set_config('search_path', '', false);\n"
        "CREATE TABLE public.t (a integer);\n"
        "DO $$ BEGIN ALTER TABLE public.t ADD COLUMN b text; END $$;"
    )
    catalog = load.from_file(file)
    assert catalog.complete
    assert catalog.search_path == "public"
    assert [str(name) for name in catalog.tables] == ["public.t"]
    assert list(next(iter(catalog.tables.values())).columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.dump", b"PGDMP\x01\x0e", "custom format"),
        ("a.sql", b"select 1", "creates no table"),
        ("a.sql", b"\xff\xfe\x00", "UTF-16"),
        ("a.prisma", b"model A {\n  id Int @id(\n", "a.prisma:"),
        ("a.prisma", b"model A ;", "not a Prisma schema"),
    ],
)
def test_what_is_no_schema_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError) as refused:
        load.from_file(file)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)

"""Small projects of the tools that people use, each in the tool's own layout."""

PRISMA = {
    "shop/prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "shop/prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
    "shop/prisma/migrations/20240101000000_init/migration.sql": """\
-- CreateEnum
CREATE TYPE "OrderStatus" AS ENUM ('PENDING', 'PAID');

-- CreateTable
CREATE TABLE "User" (
    "id" SERIAL NOT NULL,
    "email" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Order" (
    "id" SERIAL NOT NULL,
    "userId" INTEGER NOT NULL,
    "total" DECIMAL(10,2) NOT NULL,

    CONSTRAINT "Order_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");

-- AddForeignKey
ALTER TABLE "Order" ADD CONSTRAINT "Order_userId_fkey" FOREIGN KEY ("userId")
  REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
""",
    "shop/prisma/migrations/20240201000000_status/migration.sql": """\
-- AlterTable
ALTER TABLE "Order" ADD COLUMN     "status" "OrderStatus" NOT NULL DEFAULT 'PENDING';
CREATE INDEX "Order_status_idx" ON "Order"("status");
""",
}

SUPABASE = {
    "app/supabase/config.toml": 'project_id = "app"\n',
    "app/supabase/migrations/20240101000000_profiles.sql": """\
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pg_net with schema extensions version '0.8.0';
create table public.profiles (
  id uuid not null references auth.users on delete cascade,
  token uuid default extensions.uuid_generate_v4(),
  username text unique,
  primary key (id)
);
alter table public.profiles enable row level security;
create policy "Public profiles" on public.profiles for select to anon, authenticated using (true);
create policy "Own profile" on public.profiles for update using ((select auth.uid()) = id);

create function public.handle_new_user() returns trigger
set search_path = '' language plpgsql security definer as $$
begin
  insert into public.profiles (id) values (new.id);
  return new;
end;
$$;
create trigger on_auth_user_created after insert on auth.users
  for each row execute procedure public.handle_new_user();
insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
create policy "Avatars" on storage.objects for select using (bucket_id = 'avatars');
alter publication supabase_realtime add table public.profiles;
grant all on public.profiles to service_role;
""",
    "app/supabase/migrations/20240201000000_bio.sql": """\
alter table public.profiles add column bio text;
alter table public.profiles alter column bio set default '';
""",
}

GOOSE = {
    "svc/migrations/00001_orders.sql": """\
-- +goose Up
CREATE TABLE g_orders (id bigserial PRIMARY KEY, total numeric(10,2) NOT NULL);
-- +goose StatementBegin
CREATE FUNCTION g_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.total := coalesce(NEW.total, 0);
  RETURN NEW;
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION g_touch();
DROP TABLE g_orders;
""",
    "svc/migrations/00002_index.sql": """\
-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY g_orders_total_idx ON g_orders (total);

-- +goose Down
DROP INDEX CONCURRENTLY g_orders_total_idx;
""",
}

GOLANG_MIGRATE = {
    "db/migrations/000001_accounts.up.sql": """\
CREATE TABLE m_accounts (id bigint PRIMARY KEY, name text);
CREATE TABLE m_entries (id bigint PRIMARY KEY, account_id bigint NOT NULL);
""",
    "db/migrations/000001_accounts.down.sql": "DROP TABLE m_entries;\nDROP TABLE m_accounts;\n",
    "db/migrations/000002_fk.up.sql": """\
ALTER TABLE m_entries ADD CONSTRAINT m_entries_account_fk
  FOREIGN KEY (account_id) REFERENCES m_accounts (id) NOT VALID;
""",
    "db/migrations/000002_fk.down.sql": (
        "ALTER TABLE m_entries DROP CONSTRAINT m_entries_account_fk;\n"
    ),
    "db/migrations/000003_validate.up.sql": (
        "ALTER TABLE m_entries VALIDATE CONSTRAINT m_entries_account_fk;\n"
    ),
    "db/migrations/000003_validate.down.sql": "SELECT 1;\n",
}

ALEMBIC = {
    "api/alembic.ini": "[alembic]\nscript_location = %(here)s/alembic\n",
    "api/alembic/env.py": """\
from alembic import context

context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
""",
    "api/alembic/script.py.mako": "",
    "api/alembic/versions/0001_items.py": '''\
"""Items."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table(
        "a_items",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(50), nullable=False),
    )
    for column in sorted({"name", "id"}):
        op.create_index(f"a_items_{column}_idx", "a_items", [column])


def downgrade():
    op.drop_table("a_items")
''',
    "api/alembic/versions/0002_price.py": '''\
"""Price."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("a_items", sa.Column("price", sa.Numeric(10, 2), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index("a_items_price_idx", "a_items", ["price"], postgresql_concurrently=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("a_items_price_idx", postgresql_concurrently=True)
    op.drop_column("a_items", "price")
''',
}

PROJECTS = {
    "shop": PRISMA,
    "app": SUPABASE,
    "svc": GOOSE,
    "db": GOLANG_MIGRATE,
    "api": ALEMBIC,
}
"""By the folder that each has for itself."""

-- Every key begins with tenant_id: a reference across tenants cannot be written, and each tenant's
-- rows lie together. Ids are UUIDv7, so `id desc` is "newest first".
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table customers (
  tenant_id  text        not null,
  id         uuid        not null,
  email      text        not null,
  name       text        not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version    integer     not null,
  constraint customers_pkey primary key (tenant_id, id),
  constraint customers_tenant_length check (char_length(tenant_id) between 1 and 64),
  constraint customers_email_length check (char_length(email) between 3 and 254),
  constraint customers_name_length check (char_length(name) between 1 and 200)
);

create unique index customers_tenant_email_key on customers (tenant_id, lower(email));

create table orders (
  tenant_id   text        not null,
  id          uuid        not null,
  customer_id uuid        not null,
  status      text        not null,
  currency    text        not null,
  total_minor bigint      not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  version     integer     not null,
  constraint orders_pkey primary key (tenant_id, id),
  constraint orders_customer_fkey foreign key (tenant_id, customer_id)
    references customers (tenant_id, id),
  constraint orders_status_known
    check (status in ('pending', 'confirmed', 'shipped', 'delivered', 'cancelled')),
  constraint orders_currency_form check (currency ~ '^[A-Z]{3}$'),
  constraint orders_total_not_negative check (total_minor >= 0)
);

-- One index for each filter of the list, each in the order of the list. A range of time needs none:
-- it is a range of ids, since the service takes created_at from the id.
create index orders_tenant_customer_idx on orders (tenant_id, customer_id, id desc);
create index orders_tenant_status_idx on orders (tenant_id, status, id desc);

create table order_items (
  tenant_id        text    not null,
  id               uuid    not null,
  order_id         uuid    not null,
  position         integer not null,
  sku              text    not null,
  quantity         integer not null,
  unit_price_minor bigint  not null,
  constraint order_items_pkey primary key (tenant_id, order_id, position),
  constraint order_items_order_fkey foreign key (tenant_id, order_id)
    references orders (tenant_id, id) on delete cascade,
  constraint order_items_id_key unique (tenant_id, id),
  constraint order_items_sku_length check (char_length(sku) between 1 and 64),
  constraint order_items_quantity_range check (quantity between 1 and 10000),
  constraint order_items_price_range check (unit_price_minor between 0 and 1000000000)
);

set local lock_timeout = '5s';

drop table order_items;
drop table orders;
drop table customers;

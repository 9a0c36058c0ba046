DROP DATABASE IF EXISTS shop;
CREATE DATABASE shop;
CREATE TABLE shop.orders (id BIGINT PRIMARY KEY, customer VARCHAR(40), amount DECIMAL(10, 2), created DATETIME(3));
INSERT INTO shop.orders VALUES (1, 'ann', 10.50, '2024-05-01 10:00:00'), (2, 'bob', 3.20, '2024-05-01 10:00:01'), (3, 'ann', 7.00, '2024-05-01 10:00:02');

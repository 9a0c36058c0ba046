CREATE DATABASE IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.customers (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL, country CHAR(2) NOT NULL);
REPLACE INTO shop.customers VALUES (1, 'Ada', 'GB'), (2, 'Blaise', 'FR'), (3, 'Carl', 'DE'), (4, 'Dirichlet', 'DE'), (5, 'Emmy', 'DE'), (6, 'Fermat', 'FR');
DROP TABLE IF EXISTS shop.revenue;
CREATE TABLE shop.revenue (country CHAR(2) PRIMARY KEY, orders BIGINT NOT NULL, amount DECIMAL(18, 2) NOT NULL);

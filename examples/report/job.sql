-- A quarter's sales, by region and month with sums, and the five best customers.
SET 'execution.runtime-mode' = 'batch';

CREATE TABLE customers (id INT, name STRING, region STRING) WITH ('connector' = 'filesystem', 'path' = 'examples/report/customers.csv', 'format' = 'csv');
CREATE TABLE orders (id INT, customer_id INT, `day` DATE, amount DECIMAL(10, 2)) WITH ('connector' = 'filesystem', 'path' = 'examples/report/orders.csv', 'format' = 'csv');

CREATE VIEW sales AS
SELECT COALESCE(c.region, 'unknown') AS region, c.name, o.`day`, o.amount FROM orders AS o LEFT JOIN customers AS c ON o.customer_id = c.id;

SELECT COALESCE(region, 'all') AS region, CASE WHEN GROUPING(`month`) = 1 THEN 'quarter' ELSE CAST(`month` AS STRING) END AS `month`, COUNT(*) AS orders, SUM(amount) AS amount
FROM (SELECT region, EXTRACT(MONTH FROM `day`) AS `month`, amount FROM sales)
GROUP BY ROLLUP (region, `month`)
ORDER BY region, `month`;

SELECT name, region, SUM(amount) AS amount, CAST(100 * SUM(amount) / (SELECT SUM(amount) FROM sales) AS DECIMAL(5, 2)) AS percent
FROM sales WHERE name IS NOT NULL GROUP BY name, region
ORDER BY amount DESC LIMIT 5;

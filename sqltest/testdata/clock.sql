CREATE TABLE clicks (page STRING, p AS PROCTIME()) WITH ('connector' = 'datagen');
CREATE TABLE prices (item STRING, price INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (item) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = '/none', 'format' = 'changelog-json');
SELECT window_start, page, COUNT(*) AS n FROM TUMBLE(TABLE clicks, DESCRIPTOR(p), INTERVAL '10' SECOND) GROUP BY window_start, window_end, page;
CREATE TABLE latest (item STRING, price INT, PRIMARY KEY (item) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO latest SELECT item, price FROM prices WHERE price > CAST('${LEAST:-0}' AS INT);

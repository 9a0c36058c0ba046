-- Visits lie in one directory, as JSON from the new application and as CSV from the
-- old one. They are written as Parquet, a directory a day.
SET 'execution.runtime-mode' = 'batch';

CREATE TABLE app (
  id BIGINT, `at` TIMESTAMP(0), `user` ROW<name STRING>, page STRING, ms INT
) WITH (
  'connector' = 'filesystem', 'path' = 'examples/files-to-parquet/input', 'source.path.regex-pattern' = '.*[.]json', 'format' = 'json'
);

CREATE TABLE legacy (
  id BIGINT, `at` TIMESTAMP(0), user_name STRING, page STRING, ms INT, file STRING METADATA FROM 'file.name' VIRTUAL
) WITH (
  'connector' = 'filesystem', 'path' = 'examples/files-to-parquet/input', 'source.path.regex-pattern' = '.*[.]csv', 'format' = 'csv'
);

-- What can't be read isn't lost: it is written here.
CREATE TABLE unreadable (split STRING, `offset` BIGINT, `raw` STRING, reason STRING) WITH (
  'connector' = 'filesystem', 'path' = 'examples/files-to-parquet/out/unreadable', 'format' = 'json'
);
SET 'millrace.on-error.app' = 'table:unreadable';

CREATE TABLE visits (
  id BIGINT, `at` TIMESTAMP(3), user_name STRING, page STRING, ms INT, origin STRING, `day` STRING
) PARTITIONED BY (`day`) WITH (
  'connector' = 'filesystem', 'path' = 'examples/files-to-parquet/out/visits', 'format' = 'parquet'
);

INSERT OVERWRITE visits
SELECT id, `at`, `user`.name, page, ms, 'app', DATE_FORMAT(`at`, 'yyyy-MM-dd') FROM app
UNION ALL
SELECT id, `at`, user_name, page, ms, file, DATE_FORMAT(`at`, 'yyyy-MM-dd') FROM legacy;

SELECT `day`, COUNT(*) AS visits, COUNT(DISTINCT user_name) AS users, AVG(ms) AS ms FROM visits GROUP BY `day` ORDER BY `day`;

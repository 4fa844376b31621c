"""Catalogue procedures as T-SQL over the views ("sp_tables", "sp_columns", "sp_pkeys", "sp_datatype_info"). Lines with --@ name parameters."""

_ODBC_TYPE = """CASE ty.name WHEN 'bit' THEN -7 WHEN 'tinyint' THEN -6 WHEN 'smallint' THEN 5 WHEN 'int' THEN 4 WHEN 'bigint' THEN -5
 WHEN 'decimal' THEN 3 WHEN 'numeric' THEN 2 WHEN 'money' THEN 3 WHEN 'smallmoney' THEN 3 WHEN 'real' THEN 7 WHEN 'float' THEN 6
 WHEN 'date' THEN 91 WHEN 'time' THEN -154 WHEN 'datetime' THEN 93 WHEN 'smalldatetime' THEN 93 WHEN 'datetime2' THEN 93
 WHEN 'datetimeoffset' THEN -155 WHEN 'char' THEN 1 WHEN 'varchar' THEN 12 WHEN 'text' THEN -1 WHEN 'nchar' THEN -8 WHEN 'nvarchar' THEN -9
 WHEN 'sysname' THEN -9 WHEN 'ntext' THEN -10 WHEN 'binary' THEN -2 WHEN 'varbinary' THEN -3 WHEN 'timestamp' THEN -2 WHEN 'image' THEN -4
 WHEN 'uniqueidentifier' THEN -11 WHEN 'xml' THEN -152 WHEN 'sql_variant' THEN -150 ELSE -151 END"""
_PRECISION = """CASE WHEN ty.name IN ('nchar', 'nvarchar', 'sysname') AND c.max_length > 0 THEN c.max_length / 2
 WHEN ty.name IN ('text', 'image') THEN 2147483647 WHEN ty.name = 'ntext' THEN 1073741823 WHEN c.max_length = -1 THEN 0
 WHEN c.precision > 0 THEN c.precision ELSE c.max_length END"""

_TABLES = """
-- @table_name
-- @table_owner
-- @table_qualifier
-- @table_type
SELECT DB_NAME() AS TABLE_QUALIFIER, s.name AS TABLE_OWNER, o.name AS TABLE_NAME,
 CASE o.type WHEN 'U' THEN CAST('TABLE' AS varchar(32)) ELSE 'VIEW' END AS TABLE_TYPE, CAST(NULL AS varchar(254)) AS REMARKS
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND (@table_name IS NULL OR o.name LIKE @table_name) AND (@table_owner IS NULL OR s.name LIKE @table_owner)
 AND (@table_type IS NULL OR @table_type LIKE CASE o.type WHEN 'U' THEN '%''TABLE''%' ELSE '%''VIEW''%' END)
ORDER BY 4, 1, 2, 3"""

_COLUMNS = f"""
-- @table_name
-- @table_owner
-- @table_qualifier
-- @column_name
-- @namescope
-- @odbcver
SELECT DB_NAME() AS TABLE_QUALIFIER, s.name AS TABLE_OWNER, o.name AS TABLE_NAME, c.name AS COLUMN_NAME,
 CAST({_ODBC_TYPE} AS smallint) AS DATA_TYPE, ty.name AS TYPE_NAME, CAST({_PRECISION} AS int) AS PRECISION,
 CAST(c.max_length AS int) AS LENGTH, CAST(c.scale AS smallint) AS SCALE, CAST(10 AS smallint) AS RADIX,
 CAST(c.is_nullable AS smallint) AS NULLABLE, CAST(NULL AS varchar(254)) AS REMARKS, CAST(NULL AS nvarchar(4000)) AS COLUMN_DEF,
 CAST({_ODBC_TYPE} AS smallint) AS SQL_DATA_TYPE, CAST(NULL AS smallint) AS SQL_DATETIME_SUB,
 CAST(CASE WHEN c.collation_name IS NULL THEN NULL ELSE c.max_length END AS int) AS CHAR_OCTET_LENGTH, c.column_id AS ORDINAL_POSITION,
 CAST(CASE WHEN c.is_nullable = 1 THEN 'YES' ELSE 'NO' END AS varchar(254)) AS IS_NULLABLE
FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
 JOIN sys.types ty ON ty.user_type_id = c.user_type_id
WHERE (@table_name IS NULL OR o.name LIKE @table_name) AND (@table_owner IS NULL OR s.name LIKE @table_owner)
 AND (@column_name IS NULL OR c.name LIKE @column_name)
ORDER BY 2, 3, 17"""

_PRIMARY_KEYS = """
-- @table_name
-- @table_owner
-- @table_qualifier
SELECT DB_NAME() AS TABLE_QUALIFIER, s.name AS TABLE_OWNER, o.name AS TABLE_NAME, c.name AS COLUMN_NAME,
 CAST(k.key_ordinal AS smallint) AS KEY_SEQ, i.name AS PK_NAME
FROM sys.indexes i JOIN sys.objects o ON o.object_id = i.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
 JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
 JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.is_primary_key = 1 AND k.key_ordinal > 0 AND o.name = @table_name AND (@table_owner IS NULL OR s.name = @table_owner)
ORDER BY 2, 3, 5"""

_TYPES = f"""
-- @data_type
-- @odbcver
SELECT t.TYPE_NAME, t.DATA_TYPE, t.PRECISION, t.LITERAL_PREFIX, t.LITERAL_SUFFIX, t.CREATE_PARAMS, t.NULLABLE, t.CASE_SENSITIVE,
 t.SEARCHABLE, t.UNSIGNED_ATTRIBUTE, t.MONEY, t.AUTO_INCREMENT, t.LOCAL_TYPE_NAME, t.MINIMUM_SCALE, t.MAXIMUM_SCALE, t.SQL_DATA_TYPE,
 t.SQL_DATETIME_SUB, t.NUM_PREC_RADIX, t.INTERVAL_PRECISION, t.USERTYPE
FROM (SELECT ty.name AS TYPE_NAME, CAST({_ODBC_TYPE} AS smallint) AS DATA_TYPE,
  CAST(CASE WHEN ty.name IN ('nchar', 'nvarchar') THEN 4000 WHEN ty.name IN ('text', 'image') THEN 2147483647
   WHEN ty.name = 'ntext' THEN 1073741823 WHEN ty.precision > 0 THEN ty.precision ELSE ty.max_length END AS int) AS PRECISION,
  CAST(CASE WHEN ty.name LIKE 'n%char' OR ty.name = 'ntext' THEN 'N''' WHEN ty.name LIKE '%char' OR ty.name LIKE '%time%' OR ty.name IN ('date', 'text')
   THEN '''' WHEN ty.name LIKE '%binary' OR ty.name = 'image' THEN '0x' END AS varchar(32)) AS LITERAL_PREFIX,
  CAST(CASE WHEN ty.name LIKE '%char' OR ty.name LIKE '%time%' OR ty.name IN ('date', 'text', 'ntext') THEN '''' END AS varchar(32)) AS LITERAL_SUFFIX,
  CAST(CASE WHEN ty.name IN ('decimal', 'numeric') THEN 'precision,scale' WHEN ty.name LIKE '%char' THEN 'max length'
   WHEN ty.name LIKE '%binary' THEN 'length' END AS varchar(32)) AS CREATE_PARAMS, CAST(1 AS smallint) AS NULLABLE,
  CAST(0 AS smallint) AS CASE_SENSITIVE, CAST(3 AS smallint) AS SEARCHABLE,
  CAST(CASE WHEN ty.name = 'tinyint' THEN 1 WHEN ty.precision > 0 THEN 0 END AS smallint) AS UNSIGNED_ATTRIBUTE,
  CAST(CASE WHEN ty.name LIKE '%money' THEN 1 ELSE 0 END AS smallint) AS MONEY, CAST(0 AS smallint) AS AUTO_INCREMENT,
  ty.name AS LOCAL_TYPE_NAME, CAST(0 AS smallint) AS MINIMUM_SCALE, CAST(ty.scale AS smallint) AS MAXIMUM_SCALE,
  CAST({_ODBC_TYPE} AS smallint) AS SQL_DATA_TYPE, CAST(NULL AS smallint) AS SQL_DATETIME_SUB, CAST(10 AS int) AS NUM_PREC_RADIX,
  CAST(NULL AS smallint) AS INTERVAL_PRECISION, CAST(0 AS smallint) AS USERTYPE FROM sys.types ty) t
WHERE @data_type IS NULL OR CAST(@data_type AS int) = 0 OR t.DATA_TYPE = CAST(@data_type AS int)
ORDER BY 2, 12, 11"""

_FIRST_RESULT_SET = """
-- @tsql
-- @params
-- @browse_information_mode
SELECT is_hidden, column_ordinal, name, is_nullable, system_type_id, system_type_name, max_length, precision, scale, collation_name,
 user_type_id, is_identity_column, is_computed_column, is_updateable
FROM sys.dm_exec_describe_first_result_set(@tsql, @params, @browse_information_mode) ORDER BY column_ordinal"""

TEXTS = {
    "sp_describe_first_result_set": _FIRST_RESULT_SET,
    "sp_tables": _TABLES,
    "sp_columns": _COLUMNS,
    "sp_columns_90": _COLUMNS,
    "sp_columns_100": _COLUMNS,
    "sp_pkeys": _PRIMARY_KEYS,
    "sp_datatype_info": _TYPES,
    "sp_datatype_info_90": _TYPES,
    "sp_datatype_info_100": _TYPES,
}

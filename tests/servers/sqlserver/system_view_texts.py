# ruff: noqa: E501 (a column a line)
"""The text of system_views: one paragraph a view. {db} is the current database's id, {visible} hides what may not be seen."""

_OBJECT = """
  name sysname o.name
  object_id int o.id
  principal_id int? NULL
  schema_id int o.schema
  parent_object_id int o.parent
  type char(2)? o.type
  type_desc nvarchar(60)? CASE o.type WHEN 'U' THEN 'USER_TABLE' WHEN 'V' THEN 'VIEW' WHEN 'PK' THEN 'PRIMARY_KEY_CONSTRAINT' WHEN 'UQ' THEN 'UNIQUE_CONSTRAINT' WHEN 'D' THEN 'DEFAULT_CONSTRAINT' END
  create_date datetime o.created
  modify_date datetime o.modified
  is_ms_shipped bit o.shipped
  is_published bit 0
  is_schema_published bit 0"""
_COLUMN = """
  object_id int c.object
  name sysname? c.name
  column_id int c.id
  system_type_id tinyint c.type_id
  user_type_id int c.user_type
  max_length smallint c.max_length
  precision tinyint c.shown_precision
  scale tinyint c.scale
  collation_name sysname? c.collation
  is_nullable bit? c.nullable
  is_ansi_padded bit CASE WHEN c.collation IS NOT NULL OR c.type LIKE '%binary' THEN 1 ELSE 0 END
  is_rowguidcol bit c.guid
  is_identity bit c.identity
  is_computed bit c.computed IS NOT NULL
  is_filestream bit c.filestream
  is_replicated bit? 0
  is_non_sql_subscribed bit? 0
  is_merge_published bit? 0
  is_dts_replicated bit? 0
  is_xml_document bit 0
  xml_collection_id int 0
  default_object_id int CASE WHEN c.definition IS NOT NULL AND c.computed IS NULL THEN c.object + c.id + 1 ELSE 0 END
  rule_object_id int 0
  is_sparse bit? c.sparse
  is_column_set bit? c.column_set
  generated_always_type tinyint? c.generated
  generated_always_type_desc nvarchar(60)? CASE c.generated WHEN 1 THEN 'AS_ROW_START' WHEN 2 THEN 'AS_ROW_END' ELSE 'NOT_APPLICABLE' END
  encryption_type int? nullif(c.encryption, 0)
  encryption_type_desc nvarchar(64)? CASE c.encryption WHEN 1 THEN 'DETERMINISTIC' WHEN 2 THEN 'RANDOMIZED' END
  encryption_algorithm_name sysname? CASE WHEN c.encryption > 0 THEN 'AEAD_AES_256_CBC_HMAC_SHA_256' END
  column_encryption_key_id int? CASE WHEN c.encryption > 0 THEN 1 END
  column_encryption_key_database_name sysname? NULL
  is_hidden bit? c.hidden
  is_masked bit c.masked IS NOT NULL
  graph_type int? NULL
  graph_type_desc nvarchar(60)? NULL
  is_data_deletion_filter_column bit 0
  ledger_view_column_type tinyint? NULL
  ledger_view_column_type_desc nvarchar(60)? NULL
  is_dropped_ledger_column bit 0"""
_COLUMNS_FROM = "c_column c JOIN c_object o ON o.db = c.db AND o.id = c.object WHERE c.db = {db} AND {visible}"
_CONSTRAINT = """
  name sysname i.name
  object_id int coalesce(i.constraint_id, 0)
  principal_id int? NULL
  schema_id int o.schema
  parent_object_id int o.id
  type char(2)? CASE WHEN i.is_primary THEN 'PK' ELSE 'UQ' END
  type_desc nvarchar(60)? CASE WHEN i.is_primary THEN 'PRIMARY_KEY_CONSTRAINT' ELSE 'UNIQUE_CONSTRAINT' END
  create_date datetime o.created
  modify_date datetime o.modified
  is_ms_shipped bit 0
  is_published bit 0
  is_schema_published bit 0
  unique_index_id int? i.id
  is_system_named bit i.name LIKE 'PK\\_\\_%' ESCAPE '\\' OR i.name LIKE 'UQ\\_\\_%' ESCAPE '\\'
  is_enforced bit 1"""

TEXTS = f"""
sys.databases FROM c_database d WHERE (d.id IN (1, 2) OR d.id = {{db}} OR {{any_database}})
  name sysname d.name
  database_id int d.id
  source_database_id int? NULL
  owner_sid varbinary(85)? x'01'
  create_date datetime d.created
  compatibility_level tinyint d.compatibility
  collation_name sysname? d.collation
  user_access tinyint? 0
  user_access_desc nvarchar(60)? 'MULTI_USER'
  is_read_only bit? d.read_only
  is_auto_close_on bit 0
  is_auto_shrink_on bit? 0
  state tinyint? CASE WHEN d.offline THEN 6 ELSE 0 END
  state_desc nvarchar(60)? CASE WHEN d.offline THEN 'OFFLINE' ELSE 'ONLINE' END
  is_in_standby bit? 0
  is_cleanly_shutdown bit? 0
  snapshot_isolation_state tinyint? d.snapshot
  snapshot_isolation_state_desc nvarchar(60)? CASE WHEN d.snapshot THEN 'ON' ELSE 'OFF' END
  is_read_committed_snapshot_on bit? d.rcsi
  recovery_model tinyint? d.recovery
  recovery_model_desc nvarchar(60)? CASE d.recovery WHEN 1 THEN 'FULL' WHEN 2 THEN 'BULK_LOGGED' ELSE 'SIMPLE' END
  is_fulltext_enabled bit? 1
  is_trustworthy_on bit? 0
  is_db_chaining_on bit? 0
  is_published bit 0
  is_subscribed bit 0
  is_merge_published bit 0
  is_distributor bit 0
  is_sync_with_backup bit 0
  is_broker_enabled bit 0
  log_reuse_wait tinyint? 0
  log_reuse_wait_desc nvarchar(60)? 'NOTHING'
  is_date_correlation_on bit 0
  is_cdc_enabled bit d.cdc
  is_encrypted bit? 0
  containment tinyint? 0
  containment_desc nvarchar(60)? 'NONE'
  target_recovery_time_in_seconds int? 60
  is_query_store_on bit? 0
  is_change_feed_enabled bit 0
  is_temporal_history_retention_enabled bit? 1
  is_ledger_on bit 0

sys.schemas FROM c_schema s WHERE s.db = {{db}}
  name sysname s.name
  schema_id int s.id
  principal_id int? s.owner

sys.objects,sys.all_objects FROM c_object o WHERE o.db = {{db}} AND {{visible}}{_OBJECT}

sys.tables FROM c_object o WHERE o.db = {{db}} AND o.type = 'U' AND {{visible}}{_OBJECT}
  lob_data_space_id int 0
  filestream_data_space_id int? NULL
  max_column_id_used int (SELECT max(c.id) FROM c_column c WHERE c.db = o.db AND c.object = o.id)
  lock_on_bulk_load bit 0
  uses_ansi_nulls bit? 1
  is_replicated bit? o.replicated
  has_replication_filter bit? 0
  is_merge_published bit? 0
  is_sync_tran_subscribed bit? 0
  has_unchecked_assembly_data bit 0
  text_in_row_limit int? 0
  large_value_types_out_of_row bit? 0
  is_tracked_by_cdc bit? o.cdc
  lock_escalation tinyint? o.lock_escalation
  lock_escalation_desc nvarchar(60)? 'TABLE'
  is_filetable bit? o.filetable
  is_memory_optimized bit? o.memory_optimized
  durability tinyint? o.durability
  durability_desc nvarchar(60)? CASE o.durability WHEN 1 THEN 'SCHEMA_ONLY' ELSE 'SCHEMA_AND_DATA' END
  temporal_type tinyint? o.temporal
  temporal_type_desc nvarchar(60)? CASE o.temporal WHEN 1 THEN 'HISTORY_TABLE' WHEN 2 THEN 'SYSTEM_VERSIONED_TEMPORAL_TABLE' ELSE 'NON_TEMPORAL_TABLE' END
  history_table_id int? o.history
  is_remote_data_archive_enabled bit? 0
  is_external bit o.external
  history_retention_period int? NULL
  history_retention_period_unit int? NULL
  history_retention_period_unit_desc nvarchar(10)? NULL
  is_node bit? o.node
  is_edge bit? o.edge
  data_retention_period int? NULL
  ledger_type tinyint? 0
  ledger_type_desc nvarchar(60)? 'NON_LEDGER_TABLE'
  is_dropped_ledger_table bit? o.dropped_ledger

sys.views FROM c_object o WHERE o.db = {{db}} AND o.type = 'V' AND {{visible}}{_OBJECT}
  is_replicated bit? 0
  has_replication_filter bit? 0
  has_opaque_metadata bit 0
  has_unchecked_assembly_data bit 0
  with_check_option bit 0
  is_date_correlation_view bit 0
  is_tracked_by_cdc bit? 0
  has_snapshot bit? 0

sys.columns,sys.all_columns FROM {_COLUMNS_FROM}{_COLUMN}

sys.identity_columns FROM {_COLUMNS_FROM} AND c.identity = 1{_COLUMN}
  seed_value sql_variant? integer_variant(c.seed)
  increment_value sql_variant? integer_variant(c.increment)
  last_value sql_variant? integer_variant(c.last)
  is_not_for_replication bit? 0

sys.computed_columns FROM {_COLUMNS_FROM} AND c.computed IS NOT NULL{_COLUMN}
  definition nvarchar(max)? '(' || c.computed || ')'
  uses_database_collation bit 0
  is_persisted bit c.persisted

sys.masked_columns FROM {_COLUMNS_FROM} AND c.masked IS NOT NULL{_COLUMN}
  masking_function nvarchar(4000)? c.masked

sys.types FROM type_rows t
  name sysname t.name
  system_type_id tinyint t.system_type_id
  user_type_id int t.user_type_id
  schema_id int 4
  principal_id int? NULL
  max_length smallint t.max_length
  precision tinyint t.precision
  scale tinyint t.scale
  collation_name sysname? CASE WHEN t.name LIKE '%char' OR t.name LIKE '%text' OR t.name = 'sysname' THEN '{{collation}}' END
  is_nullable bit? t.name <> 'sysname' AND t.name <> 'timestamp'
  is_user_defined bit 0
  is_assembly_type bit t.system_type_id = 240
  default_object_id int 0
  rule_object_id int 0
  is_table_type bit 0

sys.indexes FROM c_index i JOIN c_object o ON o.db = i.db AND o.id = i.object WHERE i.db = {{db}} AND {{visible}}
  object_id int i.object
  name sysname? i.name
  index_id int i.id
  type tinyint i.type
  type_desc nvarchar(60)? CASE i.type WHEN 0 THEN 'HEAP' WHEN 1 THEN 'CLUSTERED' WHEN 2 THEN 'NONCLUSTERED' WHEN 5 THEN 'CLUSTERED COLUMNSTORE' WHEN 6 THEN 'NONCLUSTERED COLUMNSTORE' WHEN 7 THEN 'NONCLUSTERED HASH' END
  is_unique bit? i.is_unique
  data_space_id int 1
  ignore_dup_key bit? 0
  is_primary_key bit? i.is_primary
  is_unique_constraint bit? i.is_constraint
  fill_factor tinyint 0
  is_padded bit? 0
  is_disabled bit? i.disabled
  is_hypothetical bit? 0
  is_ignored_in_optimization bit? 0
  allow_row_locks bit? 1
  allow_page_locks bit? 1
  has_filter bit? i.filter IS NOT NULL
  filter_definition nvarchar(max)? i.filter
  compression_delay int? NULL
  suppress_dup_key_messages bit? 0
  auto_created bit? 0
  optimize_for_sequential_key bit? 0

sys.index_columns FROM c_index_column k JOIN c_object o ON o.db = k.db AND o.id = k.object WHERE k.db = {{db}} AND {{visible}}
  object_id int k.object
  index_id int k.index_id
  index_column_id int k.position
  column_id int k.column_id
  key_ordinal tinyint k.key_ordinal
  partition_ordinal tinyint 0
  is_descending_key bit? k.descending
  is_included_column bit? k.included
  column_store_order_ordinal tinyint 0

sys.key_constraints FROM c_index i JOIN c_object o ON o.db = i.db AND o.id = i.object WHERE i.db = {{db}} AND (i.is_primary OR i.is_constraint) AND {{visible}}{_CONSTRAINT}

sys.partitions FROM c_index i JOIN c_object o ON o.db = i.db AND o.id = i.object JOIN numbers n ON n.n <= o.partitions WHERE i.db = {{db}} AND {{visible}}
  partition_id bigint partition_id(i.object, i.id, n.n)
  object_id int i.object
  index_id int i.id
  partition_number int n.n
  hobt_id bigint partition_id(i.object, i.id, n.n)
  rows bigint? row_count(i.db, i.object, o.partitions, n.n)
  filestream_filegroup_id smallint 0
  data_compression tinyint 0
  data_compression_desc nvarchar(60)? 'NONE'

sys.allocation_units FROM c_index i JOIN c_object o ON o.db = i.db AND o.id = i.object JOIN numbers n ON n.n <= o.partitions WHERE i.db = {{db}} AND {{visible}}
  allocation_unit_id bigint partition_id(i.object, i.id, n.n) + 1
  type tinyint 1
  type_desc nvarchar(60)? 'IN_ROW_DATA'
  container_id bigint partition_id(i.object, i.id, n.n)
  data_space_id int? 1
  total_pages bigint page_count(i.db, i.object, o.partitions, n.n) + 1
  used_pages bigint page_count(i.db, i.object, o.partitions, n.n) + 1
  data_pages bigint page_count(i.db, i.object, o.partitions, n.n)

sys.dm_db_partition_stats FROM c_index i JOIN c_object o ON o.db = i.db AND o.id = i.object JOIN numbers n ON n.n <= o.partitions WHERE i.db = {{db}} NEEDS database
  partition_id bigint? partition_id(i.object, i.id, n.n)
  object_id int i.object
  index_id int i.id
  partition_number int n.n
  in_row_data_page_count bigint? page_count(i.db, i.object, o.partitions, n.n)
  in_row_used_page_count bigint? page_count(i.db, i.object, o.partitions, n.n) + 1
  in_row_reserved_page_count bigint? page_count(i.db, i.object, o.partitions, n.n) + 1
  lob_used_page_count bigint? 0
  lob_reserved_page_count bigint? 0
  row_overflow_used_page_count bigint? 0
  row_overflow_reserved_page_count bigint? 0
  used_page_count bigint? page_count(i.db, i.object, o.partitions, n.n) + 1
  reserved_page_count bigint? page_count(i.db, i.object, o.partitions, n.n) + 1
  row_count bigint? row_count(i.db, i.object, o.partitions, n.n)

sys.default_constraints FROM {_COLUMNS_FROM} AND c.definition IS NOT NULL AND c.computed IS NULL
  name sysname 'DF__' || o.name || '__' || c.name
  object_id int c.object + c.id + 1
  schema_id int o.schema
  parent_object_id int o.id
  parent_column_id int c.id
  definition nvarchar(max)? c.definition
  is_system_named bit 1

sys.change_tracking_databases FROM c_database d WHERE d.change_tracking
  database_id int? d.id
  is_auto_cleanup_on tinyint? 1
  retention_period int? 2
  retention_period_units tinyint? 3
  retention_period_units_desc nvarchar(60)? 'DAYS'
  max_cleanup_version bigint? NULL

sys.change_tracking_tables FROM c_object o WHERE o.db = {{db}} AND o.change_tracking AND {{visible}}
  object_id int? o.id
  is_track_columns_updated_on bit? 0
  min_valid_version bigint? 0
  begin_version bigint? 0
  cleanup_version bigint? 0

sys.sql_modules FROM c_object o WHERE o.db = {{db}} AND o.type = 'V' AND {{visible}}
  object_id int o.id
  definition nvarchar(max)? 'CREATE VIEW ' || o.name || ' AS ' || o.definition
  uses_ansi_nulls bit? 1
  uses_quoted_identifier bit? 1

sys.periods FROM c_object o WHERE o.db = {{db}} AND o.temporal = 2 AND {{visible}}
  name sysname 'SYSTEM_TIME'
  period_type tinyint? 1
  period_type_desc nvarchar(60)? 'SYSTEM_TIME_PERIOD'
  object_id int o.id
  start_column_id int (SELECT c.id FROM c_column c WHERE c.db = o.db AND c.object = o.id AND c.generated = 1)
  end_column_id int (SELECT c.id FROM c_column c WHERE c.db = o.db AND c.object = o.id AND c.generated = 2)

sys.external_tables FROM c_object o WHERE o.db = {{db}} AND o.external AND {{visible}}{_OBJECT}
  location nvarchar(4000)? NULL
  data_source_id int 0
  file_format_id int? NULL

sys.extended_properties FROM (SELECT 1 AS z) z WHERE 0
  class tinyint 0
  class_desc nvarchar(60)? ''
  major_id int 0
  minor_id int 0
  name sysname ''
  value sql_variant? NULL

sys.synonyms FROM c_object o WHERE 0{_OBJECT}
  base_object_name nvarchar(1035)? ''

sys.foreign_keys FROM c_object o WHERE 0{_OBJECT}
  referenced_object_id int? 0
  is_disabled bit 0

sys.database_principals FROM c_principal p LEFT JOIN c_login l ON l.id = p.login WHERE p.db = {{db}}
  name sysname p.name
  principal_id int p.id
  type char(1) p.type
  type_desc nvarchar(60)? CASE p.type WHEN 'R' THEN 'DATABASE_ROLE' ELSE 'SQL_USER' END
  default_schema_name sysname? p.default_schema
  sid varbinary(85)? l.sid
  is_fixed_role bit p.id >= 16384 AND p.id < 16400
  authentication_type int CASE WHEN p.login IS NULL THEN 0 ELSE 1 END

sys.database_role_members FROM c_member m WHERE m.db = {{db}}
  role_principal_id int m.role
  member_principal_id int m.member

sys.database_permissions FROM c_permission p WHERE p.db = {{db}}
  class tinyint p.class
  class_desc nvarchar(60)? CASE p.class WHEN 0 THEN 'DATABASE' WHEN 1 THEN 'OBJECT_OR_COLUMN' ELSE 'SCHEMA' END
  major_id int p.major
  minor_id int p.minor
  grantee_principal_id int p.principal
  grantor_principal_id int 1
  permission_name nvarchar(128)? p.name
  state char(1) p.state
  state_desc nvarchar(60)? CASE p.state WHEN 'G' THEN 'GRANT' ELSE 'DENY' END

sys.server_principals,sys.sql_logins FROM c_login l WHERE (l.id = 1 OR l.folded = '{{login}}' OR {{administrator}})
  name sysname l.name
  principal_id int l.id
  sid varbinary(85)? l.sid
  type char(1) 'S'
  type_desc nvarchar(60)? 'SQL_LOGIN'
  is_disabled int? l.disabled
  default_database_name sysname? l.default_database

sys.configurations FROM (SELECT 1543 AS id, 'max text repl size (B)' AS name, 65536 AS value UNION ALL SELECT 544, 'max server memory (MB)', 2147483647) g
  configuration_id int g.id
  name nvarchar(35) g.name
  value sql_variant? integer_variant(g.value)
  value_in_use sql_variant? integer_variant(g.value)

sys.dm_exec_sessions FROM session_rows x WHERE ({{server_state}} OR x.spid = {{spid}})
  session_id smallint x.spid
  login_time datetime x.login_time
  host_name nvarchar(128)? x.host
  program_name nvarchar(128)? x.program
  host_process_id int? x.client_process
  client_version int? 7
  client_interface_name nvarchar(32)? x.interface
  login_name nvarchar(128) x.login
  status nvarchar(30) CASE WHEN x.statement IS NULL THEN 'sleeping' ELSE 'running' END
  database_id smallint x.database_id
  original_login_name nvarchar(128) x.login
  is_user_process bit 1
  transaction_isolation_level smallint x.isolation
  lock_timeout int -1
  open_transaction_count int x.depth
  row_count bigint 0
  cpu_time int 0
  reads bigint 0
  writes bigint 0
  logical_reads bigint 0

sys.dm_exec_connections FROM session_rows x WHERE x.spid = {{spid}} OR {{server_state}} NEEDS server
  session_id int? x.spid
  connect_time datetime x.login_time
  net_transport nvarchar(40) 'TCP'
  protocol_type nvarchar(40)? 'TSQL'
  encrypt_option nvarchar(40) CASE WHEN x.encrypted THEN 'TRUE' ELSE 'FALSE' END
  auth_scheme nvarchar(40) 'SQL'
  net_packet_size int? x.packet_size
  client_net_address varchar(48)? '127.0.0.1'

sys.dm_exec_requests FROM session_rows x WHERE x.statement IS NOT NULL AND ({{server_state}} OR x.spid = {{spid}})
  session_id smallint x.spid
  request_id int 0
  start_time datetime x.statement_time
  status nvarchar(30) 'running'
  command nvarchar(32) upper(substr(ltrim(x.statement), 1, instr(ltrim(x.statement) || ' ', ' ') - 1))
  database_id smallint x.database_id
  blocking_session_id smallint? 0
  wait_type nvarchar(60)? NULL
  wait_time int 0
  transaction_isolation_level smallint x.isolation
  open_transaction_count int x.depth
  text nvarchar(max)? x.statement

INFORMATION_SCHEMA.SCHEMATA FROM c_schema s WHERE s.db = {{db}}
  CATALOG_NAME nvarchar(128)? '{{name}}'
  SCHEMA_NAME nvarchar(128) s.name
  SCHEMA_OWNER nvarchar(128)? 'dbo'

INFORMATION_SCHEMA.TABLES FROM c_object o JOIN c_schema s ON s.db = o.db AND s.id = o.schema WHERE o.db = {{db}} AND o.type IN ('U', 'V') AND {{visible}}
  TABLE_CATALOG nvarchar(128)? '{{name}}'
  TABLE_SCHEMA sysname? s.name
  TABLE_NAME sysname o.name
  TABLE_TYPE varchar(10)? CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END

INFORMATION_SCHEMA.COLUMNS FROM c_column c JOIN c_object o ON o.db = c.db AND o.id = c.object JOIN c_schema s ON s.db = o.db AND s.id = o.schema WHERE c.db = {{db}} AND {{visible}}
  TABLE_CATALOG nvarchar(128)? '{{name}}'
  TABLE_SCHEMA nvarchar(128)? s.name
  TABLE_NAME sysname o.name
  COLUMN_NAME sysname? c.name
  ORDINAL_POSITION int? (SELECT count(*) FROM c_column p WHERE p.db = c.db AND p.object = c.object AND p.id <= c.id)
  COLUMN_DEFAULT nvarchar(4000)? c.definition
  IS_NULLABLE varchar(3)? CASE WHEN c.nullable THEN 'YES' ELSE 'NO' END
  DATA_TYPE nvarchar(128)? c.type
  CHARACTER_MAXIMUM_LENGTH int? CASE WHEN c.type IN ('text', 'image') THEN 2147483647 WHEN c.type = 'ntext' THEN 1073741823 WHEN c.type = 'xml' OR c.collation IS NOT NULL OR c.type LIKE '%binary' THEN c.length END
  CHARACTER_OCTET_LENGTH int? CASE WHEN c.type IN ('text', 'image') THEN 2147483647 WHEN c.type = 'ntext' THEN 2147483646 WHEN c.collation IS NOT NULL OR c.type LIKE '%binary' THEN c.max_length END
  NUMERIC_PRECISION tinyint? CASE WHEN c.type IN ('tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney', 'float', 'real') THEN c.precision END
  NUMERIC_PRECISION_RADIX smallint? CASE WHEN c.type IN ('float', 'real') THEN 2 WHEN c.type IN ('tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney') THEN 10 END
  NUMERIC_SCALE int? CASE WHEN c.type IN ('tinyint', 'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney') THEN c.scale END
  DATETIME_PRECISION smallint? CASE WHEN c.type IN ('time', 'datetime2', 'datetimeoffset') THEN c.scale WHEN c.type = 'datetime' THEN 3 WHEN c.type IN ('date', 'smalldatetime') THEN 0 END
  CHARACTER_SET_CATALOG sysname? NULL
  CHARACTER_SET_SCHEMA sysname? NULL
  CHARACTER_SET_NAME sysname? CASE WHEN c.collation IS NULL THEN NULL WHEN c.type LIKE 'n%' THEN 'UNICODE' ELSE 'iso_1' END
  COLLATION_CATALOG sysname? NULL
  COLLATION_SCHEMA sysname? NULL
  COLLATION_NAME sysname? c.collation
  DOMAIN_CATALOG sysname? NULL
  DOMAIN_SCHEMA sysname? NULL
  DOMAIN_NAME sysname? NULL

INFORMATION_SCHEMA.TABLE_CONSTRAINTS FROM c_index i JOIN c_object o ON o.db = i.db AND o.id = i.object JOIN c_schema s ON s.db = o.db AND s.id = o.schema WHERE i.db = {{db}} AND (i.is_primary OR i.is_constraint) AND {{visible}}
  CONSTRAINT_CATALOG nvarchar(128)? '{{name}}'
  CONSTRAINT_SCHEMA nvarchar(128)? s.name
  CONSTRAINT_NAME sysname i.name
  TABLE_CATALOG nvarchar(128)? '{{name}}'
  TABLE_SCHEMA nvarchar(128)? s.name
  TABLE_NAME sysname? o.name
  CONSTRAINT_TYPE varchar(11)? CASE WHEN i.is_primary THEN 'PRIMARY KEY' ELSE 'UNIQUE' END
  IS_DEFERRABLE varchar(2) 'NO'
  INITIALLY_DEFERRED varchar(2) 'NO'

INFORMATION_SCHEMA.KEY_COLUMN_USAGE FROM c_index_column k JOIN c_index i ON i.db = k.db AND i.object = k.object AND i.id = k.index_id JOIN c_object o ON o.db = k.db AND o.id = k.object JOIN c_schema s ON s.db = o.db AND s.id = o.schema JOIN c_column c ON c.db = k.db AND c.object = k.object AND c.id = k.column_id WHERE k.db = {{db}} AND (i.is_primary OR i.is_constraint) AND {{visible}}
  CONSTRAINT_CATALOG nvarchar(128)? '{{name}}'
  CONSTRAINT_SCHEMA nvarchar(128)? s.name
  CONSTRAINT_NAME sysname i.name
  TABLE_CATALOG nvarchar(128)? '{{name}}'
  TABLE_SCHEMA nvarchar(128)? s.name
  TABLE_NAME sysname? o.name
  COLUMN_NAME nvarchar(128)? c.name
  ORDINAL_POSITION int k.key_ordinal
"""

"""What expressions may use: functions and operators of one row's values whose result depends on nothing else, and plain types.

Left out on purpose although DuckDB calls them scalar and consistent: whatever reads the clock (now, today, age of one argument),
chance, the session, settings, files or the catalog; hash, whose values differ between versions of DuckDB; format, which knows
locales; and functions that take functions.
"""

_OPERATORS = "+ - * / // % ^ ** || & | ~ << >> @ ^@ ~~ !~~ ~~* !~~* ~~~"

_TEXT = """
ascii base64 bin bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein decode encode
ends_with from_base64 from_binary from_hex hamming hex ilike_escape instr jaccard jaro_similarity jaro_winkler_similarity lcase
left left_grapheme length length_grapheme levenshtein like_escape lower lpad ltrim md5 mismatches nfc_normalize
not_ilike_escape not_like_escape octet_length ord overlay position prefix printf regexp_escape regexp_extract
regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right
right_grapheme rpad rtrim sha1 sha256 split split_part starts_with str_split str_split_regex string_split string_split_regex
string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix to_base64 to_binary to_hex translate
trim ucase unbin unhex unicode upper url_decode url_encode
"""

_NUMBERS = """
abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees divide even exp factorial fdiv
floor fmod gcd greatest_common_divisor isfinite isinf isnan lcm least_common_multiple ln log log10 log2 mod multiply pi pow
power radians round round_even roundbankers sign signbit sin sinh sqrt subtract tan tanh trunc xor
"""

_DATES = """
age century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth
dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era hour isodow isoyear julian last_day make_date
make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz microsecond millennium millisecond minute month
monthname nanosecond quarter second strftime strptime time_bucket timezone timezone_hour timezone_minute to_centuries to_days
to_decades to_hours to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp
to_weeks to_years try_strptime week weekday weekofyear year yearweek
"""

_CHOICES = "greatest if least nullif"

_LISTS = """
array_contains array_extract array_has array_indexof array_length array_position array_to_string len list_contains list_element
list_extract list_has list_indexof list_position list_value
"""

FUNCTIONS = frozenset(" ".join((_OPERATORS, _TEXT, _NUMBERS, _DATES, _CHOICES, _LISTS)).split())

# Functions that look at more than the row when they are called with fewer arguments.
FEWEST_ARGUMENTS = {"age": 2}

_SESSION = """
current_catalog current_database current_date current_localtime current_localtimestamp current_role current_schema current_time
current_timestamp current_user localtime localtimestamp session_user transaction_timestamp user
"""

# What parses as a column, and means the clock or the session where no column has that name.
SESSION_WORDS = frozenset(_SESSION.split())

_TYPES = """
bool boolean logical tinyint int1 smallint int2 int16 short integer int int4 int32 signed bigint int8 int64 long hugeint int128
utinyint uint8 usmallint uint16 uinteger uint32 ubigint uint64 uhugeint uint128 float float4 real float8 double decimal dec
numeric varchar char bpchar nvarchar text string blob bytea binary varbinary date time time_ns timestamp datetime timestamp_us
timestamp_s timestamp_ms timestamp_ns timestamptz interval
"""

# As DuckDB writes them in its tree, in lower case; it leaves some of the user's own words as they are.
CAST_TYPES = frozenset(_TYPES.split()) | {"timestamp with time zone"}

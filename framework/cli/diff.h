/* diff.h: what is different between two schemas, whether it matters for their bytes or not. */
#ifndef POLKA_CLI_DIFF_H
#define POLKA_CLI_DIFF_H

#include <avro/schema.h>

/*
 * cli_diff: an array of {"type", "a_path", "b_path", "message"}, in the order of `b`; a path is null where there is nothing
 * on that side. Types: type_changed, name_changed, field_added, field_removed, field_renamed (by an alias), fields_reordered,
 * symbol_added, symbol_removed, symbols_reordered, branch_added, branch_removed, branches_reordered, size_changed,
 * attribute_added, attribute_removed, attribute_changed (default, doc, aliases, logicalType, polka.topic, ...). new.
 */
json_t *cli_diff(const polkai_schema *a, const polkai_schema *b);

#endif

// The kinds of objects that a schema or a database is made of, and what follows from the kind
// alone: when it is made, and which options leave it out. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "shared/cpp_only.hpp"

namespace pgclone {

enum class ObjectKind {
    schema,
    language,
    collation,
    extension,
    type,
    domain,
    domain_constraint,
    function,
    procedure,
    aggregate,
    access_method,
    operator_,
    operator_family,
    operator_class,
    cast,
    transform,
    conversion,
    text_search_parser,
    text_search_template,
    text_search_dictionary,
    text_search_configuration,
    foreign_data_wrapper,
    server,
    user_mapping,
    table,
    foreign_table,
    sequence,
    view,
    materialized_view,
    default_,
    check_constraint,
    index,
    constraint, // primary key, unique, exclusion
    index_attachment,
    index_mark,
    foreign_key,
    rule,
    statistics,
    trigger,
    policy,
    publication,
    publication_member,
    subscription,
    event_trigger,
    large_object,
    default_privileges,
    database,
};

// When an object is made unless its dependencies ask for later. (Data lies between the two.)
enum class ObjectSection { before_data, after_data, last };

struct ObjectKindTraits {
    ObjectKind kind;
    std::string_view text; // in catalogs, messages and views: "text search parser"
    ObjectSection section;
    // Holds rows that are copied, or is needed to copy them: cannot wait until after the data.
    bool must_precede_data;
};

// In the order in which objects are made as far as their dependencies leave a choice.
const ObjectKindTraits& traits(ObjectKind kind) noexcept;
std::optional<ObjectKind> parse_object_kind(std::string_view text) noexcept;
inline std::string_view to_text(ObjectKind kind) noexcept { return traits(kind).text; }

} // namespace pgclone

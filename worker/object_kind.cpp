#include "worker/object_kind.hpp"

#include <array>
#include <cstddef>

namespace pgclone {

namespace {

constexpr auto before_data = ObjectSection::before_data;
constexpr auto after_data = ObjectSection::after_data;
constexpr auto last = ObjectSection::last;

constexpr std::array all_traits = {
    ObjectKindTraits{ObjectKind::schema, "schema", before_data, false},
    ObjectKindTraits{ObjectKind::language, "language", before_data, false},
    ObjectKindTraits{ObjectKind::collation, "collation", before_data, false},
    ObjectKindTraits{ObjectKind::extension, "extension", before_data, false},
    ObjectKindTraits{ObjectKind::type, "type", before_data, false},
    ObjectKindTraits{ObjectKind::domain, "domain", before_data, false},
    ObjectKindTraits{ObjectKind::domain_constraint, "domain constraint", before_data, false},
    ObjectKindTraits{ObjectKind::function, "function", before_data, false},
    ObjectKindTraits{ObjectKind::procedure, "procedure", before_data, false},
    ObjectKindTraits{ObjectKind::aggregate, "aggregate", before_data, false},
    ObjectKindTraits{ObjectKind::access_method, "access method", before_data, false},
    ObjectKindTraits{ObjectKind::operator_, "operator", before_data, false},
    ObjectKindTraits{ObjectKind::operator_family, "operator family", before_data, false},
    ObjectKindTraits{ObjectKind::operator_class, "operator class", before_data, false},
    ObjectKindTraits{ObjectKind::cast, "cast", before_data, false},
    ObjectKindTraits{ObjectKind::transform, "transform", before_data, false},
    ObjectKindTraits{ObjectKind::conversion, "conversion", before_data, false},
    ObjectKindTraits{ObjectKind::text_search_parser, "text search parser", before_data, false},
    ObjectKindTraits{ObjectKind::text_search_template, "text search template", before_data, false},
    ObjectKindTraits{ObjectKind::text_search_dictionary, "text search dictionary", before_data,
                     false},
    ObjectKindTraits{ObjectKind::text_search_configuration, "text search configuration",
                     before_data, false},
    ObjectKindTraits{ObjectKind::foreign_data_wrapper, "foreign-data wrapper", before_data, false},
    ObjectKindTraits{ObjectKind::server, "server", before_data, false},
    ObjectKindTraits{ObjectKind::user_mapping, "user mapping", before_data, false},
    ObjectKindTraits{ObjectKind::table, "table", before_data, true},
    ObjectKindTraits{ObjectKind::foreign_table, "foreign table", before_data, true},
    // Can wait, but not if a table needs it: that follows from the dependencies.
    ObjectKindTraits{ObjectKind::sequence, "sequence", before_data, false},
    ObjectKindTraits{ObjectKind::view, "view", before_data, false},
    ObjectKindTraits{ObjectKind::materialized_view, "materialized view", before_data, false},
    ObjectKindTraits{ObjectKind::default_, "default", before_data, false},
    ObjectKindTraits{ObjectKind::check_constraint, "check constraint", before_data, false},
    ObjectKindTraits{ObjectKind::index, "index", after_data, false},
    ObjectKindTraits{ObjectKind::constraint, "constraint", after_data, false},
    ObjectKindTraits{ObjectKind::index_attachment, "index attachment", after_data, false},
    ObjectKindTraits{ObjectKind::index_mark, "index mark", after_data, false},
    ObjectKindTraits{ObjectKind::foreign_key, "foreign key", after_data, false},
    ObjectKindTraits{ObjectKind::rule, "rule", after_data, false},
    ObjectKindTraits{ObjectKind::statistics, "statistics object", after_data, false},
    ObjectKindTraits{ObjectKind::trigger, "trigger", after_data, false},
    ObjectKindTraits{ObjectKind::policy, "policy", after_data, false},
    ObjectKindTraits{ObjectKind::publication, "publication", last, false},
    ObjectKindTraits{ObjectKind::publication_member, "publication member", last, false},
    ObjectKindTraits{ObjectKind::subscription, "subscription", last, false},
    ObjectKindTraits{ObjectKind::event_trigger, "event trigger", last, false},
    // Made empty, filled with the data.
    ObjectKindTraits{ObjectKind::large_object, "large object", before_data, true},
    ObjectKindTraits{ObjectKind::default_privileges, "default privileges", last, false},
    ObjectKindTraits{ObjectKind::database, "database", last, false},
};

constexpr bool in_order_of_kinds()
{
    for (std::size_t i = 0; i < all_traits.size(); i++)
        if (all_traits[i].kind != static_cast<ObjectKind>(i))
            return false;
    return true;
}
static_assert(all_traits.size() == static_cast<std::size_t>(ObjectKind::database) + 1);
static_assert(in_order_of_kinds());

} // namespace

const ObjectKindTraits& traits(ObjectKind kind) noexcept
{
    return all_traits[static_cast<std::size_t>(kind)];
}

std::optional<ObjectKind> parse_object_kind(std::string_view text) noexcept
{
    for (const ObjectKindTraits& known : all_traits)
        if (known.text == text)
            return known.kind;
    return std::nullopt;
}

} // namespace pgclone

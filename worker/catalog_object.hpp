// An object of the source as the queries of worker/catalog describe it: who it is, what it needs,
// and the statements that make it. The columns are explained in worker/catalog/README.md.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shared/clone_options.hpp"
#include "worker/object_kind.hpp"
#include "worker/result_set.hpp"

namespace pgclone {

// As pg_depend names an object: OID of its catalog, OID in it.
struct ObjectId {
    std::uint32_t classid = 0;
    std::uint32_t objid = 0;

    auto operator<=>(const ObjectId&) const = default;
};

struct ObjectIdHash {
    std::size_t operator()(const ObjectId& id) const noexcept
    {
        return std::hash<std::uint64_t>()((std::uint64_t{id.classid} << 32 | id.objid) *
                                          0x9E3779B97F4A7C15U);
    }
};

// A statement, cut where it names roles, so that they can be mapped.
class StatementTemplate {
  public:
    struct Role {
        std::optional<std::string> name; // nullopt = PUBLIC
        bool operator==(const Role&) const = default;
    };
    using Piece = std::variant<std::string, Role>;

    StatementTemplate() = default;
    explicit StatementTemplate(std::string text) : pieces_{std::move(text)} {}
    explicit StatementTemplate(std::vector<Piece> pieces, int since = 0)
        : pieces_(std::move(pieces)), since_(since)
    {
    }

    // With each role mapped by options.role_map and quoted.
    std::string render(const CloneOptions& options) const;
    // Applies `change` to each text between roles.
    template <typename Change>
    void change_text(Change change)
    {
        for (Piece& piece : pieces_)
            if (std::string* text = std::get_if<std::string>(&piece))
                change(*text);
    }
    // The roles of the source that it names.
    std::vector<std::string> roles() const;
    // The oldest target that understands it (170000); others do without it. 0 = any.
    int since() const noexcept { return since_; }

    bool operator==(const StatementTemplate&) const = default;

    // For all that it is made of; `visit` takes each by reference.
    template <typename Visit>
    void visit_fields(Visit& visit)
    {
        visit(pieces_);
        visit(since_);
    }

  private:
    std::vector<Piece> pieces_;
    int since_ = 0;
};

struct ObjectRequirement {
    std::string kind; // as target_checks/missing_objects.sql knows it
    std::string name;

    auto operator<=>(const ObjectRequirement&) const = default;
};

// A foreign key that can be added quickly and validated later.
struct LateValidation {
    StatementTemplate add; // ... NOT VALID
    std::string validate;
    // Of the referencing table, in the order of the referenced one; or its constraint. None = {}.
    ObjectId index = {};
};

// The index of a primary key or unique constraint, to be built before the constraint.
struct KeyIndex {
    std::string name; // plain
    std::string create;
    std::string use; // makes the constraint with it
    std::string drop;
};

// What is asked of an object all the time: the rest of it is in a file (see ObjectStore).
struct ObjectHead {
    ObjectId id;
    ObjectKind kind = ObjectKind::table;
    std::uint32_t table_oid = 0;
    std::int32_t needs_version = 0;
    bool after_data = false;   // comes after the rows, whatever its kind says
    bool is_populated = false; // of a materialized view
    std::int64_t index_bytes = -1; // of an index or an index constraint; -1 = it is none
};

struct CatalogObject : ObjectHead {
    std::string schema_name; // empty: in no schema
    std::string name;        // for people
    std::string object_as;   // TABLE s.orders
    std::optional<std::string> owner;
    std::vector<StatementTemplate> create;
    std::vector<StatementTemplate> complete; // when the shell exists; empty = as `create`
    std::string shell;                       // empty = it has no such form
    std::string drop;                        // empty = goes with what it is a part of
    std::vector<ObjectId> needs; // of one just read: a SourceCatalog has them among its edges
    std::vector<ObjectRequirement> requirements;
    std::optional<KeyIndex> key_index;
    std::optional<LateValidation> late_validation;
    std::string version; // of an extension

    // From comments, security_labels and privileges:
    std::vector<std::string> comments;
    std::vector<std::string> labels;
    std::vector<StatementTemplate> privileges;
};

// The objects in a catalog query's answer. Raises XX000 if it is not of the form that the README
// of worker/catalog promises.
std::vector<CatalogObject> read_objects(const ResultSet& rows);

// A jsonb array of statements, as in `create_sql`.
std::vector<StatementTemplate> parse_statements(std::string_view json);

// kind and name as messages show it: view "sales"."totals".
std::string describe(const CatalogObject& object);

} // namespace pgclone

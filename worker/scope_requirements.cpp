#include "worker/scope_requirements.hpp"

#include <map>
#include <string_view>
#include <utility>

#include "shared/error_types.hpp"
#include "worker/bounded_list.hpp"
#include "worker/target_state.hpp"

namespace pgclone {

namespace {

// What the clone brings along itself. Nothing else that it has is ever required by name.
bool may_be_required(ObjectKind kind)
{
    return kind == ObjectKind::language || kind == ObjectKind::access_method ||
           kind == ObjectKind::collation || kind == ObjectKind::foreign_data_wrapper ||
           kind == ObjectKind::server || kind == ObjectKind::schema;
}

std::set<ObjectRequirement> list_made(const SourceCatalog& catalog,
                                      const ObjectSelection& selection)
{
    std::set<ObjectRequirement> made;
    for (std::size_t i = 0; i < catalog.objects.size(); i++)
        if (selection.reasons[i].empty() && may_be_required(catalog.objects.head(i).kind))
            made.insert({std::string(to_text(catalog.objects.head(i).kind)),
                         catalog.objects.load(i).name});
    return made;
}

} // namespace

std::vector<ScopeRequirement> list_scope_requirements(const SourceCatalog& catalog,
                                                      const ObjectSelection& selection,
                                                      const ScopeTarget& target,
                                                      const CloneOptions& options)
{
    std::vector<ScopeRequirement> list;
    std::set<ObjectRequirement> known;
    const auto add = [&](ObjectRequirement requirement, const CatalogObject& object,
                         const std::string& extension = {}) {
        if (known.insert(requirement).second)
            list.push_back({std::move(requirement), describe(object), extension});
    };
    const auto add_roles = [&](const std::vector<StatementTemplate>& statements,
                               const CatalogObject& object) {
        for (const StatementTemplate& statement : statements)
            for (const std::string& role : statement.roles())
                add({"role", map_role(options, role)}, object);
    };
    const std::set<ObjectRequirement> made = list_made(catalog, selection);
    std::vector<bool> is_cloned(catalog.objects.size());
    for (std::size_t i = 0; i < catalog.objects.size(); i++) {
        if (!selection.reasons[i].empty())
            continue;
        const CatalogObject object = catalog.objects.load(i);
        if (target.keeps(object.object_as))
            continue;
        is_cloned[i] = true;
        for (const ObjectRequirement& requirement : object.requirements)
            if (!made.contains(requirement))
                add(requirement, object);
        add_roles(object.create, object);
        if (options.acls)
            add_roles(object.privileges, object);
        if (options.owners && object.owner) {
            const std::string owner = map_role(options, *object.owner);
            add({"role", owner}, object);
            if (!target.is_superuser)
                add({"membership", owner}, object);
        }
    }
    std::map<ObjectId, const SourceCatalog::External*> externals;
    for (const SourceCatalog::External& external : catalog.externals)
        externals[external.id] = &external;
    for (const ObjectEdge& edge : catalog.edges) {
        const auto external = externals.find(edge.needs);
        if (external == externals.end() || known.contains(external->second->requirement))
            continue;
        const std::optional<std::size_t> object = catalog.objects.find(edge.object);
        if (object && is_cloned[*object])
            add(external->second->requirement, catalog.objects.load(*object),
                external->second->extension);
    }
    return list;
}

std::vector<MissingObject> explain_missing(const std::vector<ScopeRequirement>& requirements,
                                           const std::set<ObjectRequirement>& missing)
{
    std::vector<MissingObject> explained;
    for (const ScopeRequirement& each : requirements) {
        if (!missing.contains(each.requirement))
            continue;
        std::string text = "needed by " + each.needed_by;
        if (!each.extension.empty())
            text += "; extension " + quote_identifier(each.extension) + " provides it";
        explained.emplace_back(each.requirement, std::move(text));
    }
    return explained;
}

std::vector<MissingObject> newer_than_target(const SourceCatalog& catalog,
                                             const ObjectSelection& selection, int server_version)
{
    std::vector<MissingObject> newer;
    for (std::size_t i = 0; i < catalog.objects.size(); i++) {
        const int needed = catalog.objects.head(i).needs_version;
        if (selection.reasons[i].empty() && needed > server_version)
            newer.emplace_back(ObjectRequirement{"server version", std::to_string(needed / 10000)},
                               "needed by " + describe(catalog.objects.load(i)));
    }
    return newer;
}

void raise_missing(const std::vector<MissingObject>& missing)
{
    BoundedList list;
    std::string hint;
    const auto advise = [&hint](std::string_view advice) {
        if (hint.find(advice) == std::string::npos)
            hint += (hint.empty() ? "" : " ") + std::string(advice);
    };
    bool is_only_membership = true;
    for (const auto& [requirement, why] : missing) {
        is_only_membership = is_only_membership && requirement.kind == "membership";
        list.add((requirement.kind == "server version"
                      ? "PostgreSQL " + requirement.name
                      : requirement.kind + " \"" + requirement.name + "\"") +
                 " (" + why + ")");
        if (requirement.kind == "role" || requirement.kind == "membership")
            advise("Roles can be mapped with \"role_map\", or left out with \"owners\": false and "
                   "\"acls\": false.");
        else if (requirement.kind == "extension")
            advise("Install the extension's files on the target's machine.");
        else if (requirement.kind == "server version")
            advise("What came with a later version than this server's cannot be cloned into it; "
                   "tables can be left out with \"exclude\".");
        else
            advise("Create on the target first what is missing, and let the role use it; tables "
                   "can be left out with \"exclude\".");
    }
    if (is_only_membership)
        throw PgError(sqlstate::insufficient_privilege,
                      "must be member of the roles on the target that objects are given to",
                      "Not a member: " + list.text() + ".", hint);
    throw PgError(sqlstate::undefined_object, "the target lacks what the clone needs",
                  "Missing: " + list.text() + ".", hint);
}

} // namespace pgclone

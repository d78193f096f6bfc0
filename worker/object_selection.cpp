#include "worker/object_selection.hpp"

#include <cstdint>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace pgclone {

namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

bool is_table(ObjectKind kind)
{
    return kind == ObjectKind::table || kind == ObjectKind::foreign_table;
}

bool is_relation(ObjectKind kind)
{
    return is_table(kind) || kind == ObjectKind::sequence || kind == ObjectKind::view ||
           kind == ObjectKind::materialized_view;
}

bool is_function(ObjectKind kind)
{
    return kind == ObjectKind::function || kind == ObjectKind::procedure ||
           kind == ObjectKind::aggregate;
}

// The name of the option that leaves `kind` out; empty if none does.
std::string_view refusing_option(ObjectKind kind, const CloneOptions& options)
{
    switch (kind) {
    case ObjectKind::view:
        return options.views ? "" : "views";
    case ObjectKind::materialized_view:
        return options.matviews ? "" : "matviews";
    case ObjectKind::function:
    case ObjectKind::procedure:
    case ObjectKind::aggregate:
        return options.functions ? "" : "functions";
    case ObjectKind::index:
        return options.indexes ? "" : "indexes";
    // (Constraints of a domain are a part of what the type is.)
    case ObjectKind::check_constraint:
    case ObjectKind::constraint:
    case ObjectKind::foreign_key:
        return options.constraints ? "" : "constraints";
    case ObjectKind::trigger:
    case ObjectKind::event_trigger:
        return options.triggers ? "" : "triggers";
    case ObjectKind::default_privileges:
        return options.acls ? "" : "acls";
    default:
        return "";
    }
}

class Selector {
  public:
    Selector(const ObjectStore& objects, const std::vector<ObjectEdge>& edges,
             const TableStore& tables, const CloneOptions& options)
        : objects_(objects), edges_(edges), tables_(tables), options_(options)
    {
        selection_.reasons.resize(objects.size());
        selection_.is_silent.resize(objects.size());
        index_objects();
    }

    ObjectSelection select();

  private:
    using Lists = std::vector<std::vector<std::size_t>>;

    void index_objects();
    std::size_t find(ObjectId id) const { return objects_.find(id).value_or(none); }
    std::size_t relation_of(std::size_t object) const;
    void leave_out(std::size_t object, std::string reason);
    void judge_kinds();
    void judge_tables();
    void judge_table(std::size_t table, std::size_t parent, bool a_parent_is_included);
    void spread();
    std::string left_out(std::size_t object) const
    {
        return describe(objects_.load(object)) + ", which is left out";
    }

    const ObjectStore& objects_;
    const std::vector<ObjectEdge>& edges_;
    const TableStore& tables_;
    const CloneOptions& options_;
    ObjectSelection selection_;
    std::unordered_map<std::uint32_t, std::size_t> relations_; // by oid
    std::vector<std::size_t> left_out_;                        // in the order in which it was found
};

void Selector::index_objects()
{
    for (std::size_t i = 0; i < objects_.size(); i++)
        if (is_relation(objects_.head(i).kind))
            relations_.emplace(objects_.head(i).id.objid, i);
}

// What `object` is a part of.
std::size_t Selector::relation_of(std::size_t object) const
{
    const std::uint32_t oid = objects_.head(object).table_oid;
    const auto found = oid == 0 ? relations_.end() : relations_.find(oid);
    return found == relations_.end() || found->second == object ? none : found->second;
}

void Selector::leave_out(std::size_t object, std::string reason)
{
    selection_.reasons[object] = std::move(reason);
    left_out_.push_back(object);
}

void Selector::judge_kinds()
{
    for (std::size_t i = 0; i < objects_.size(); i++) {
        const std::string_view option = refusing_option(objects_.head(i).kind, options_);
        if (!option.empty())
            leave_out(i, "option \"" + std::string(option) + "\" is false");
    }
}

// `parent`: one of its parents, none if it has no parent.
void Selector::judge_table(std::size_t table, std::size_t parent, bool a_parent_is_included)
{
    const CatalogObject object = objects_.load(table);
    if (matches_any(options_.exclude, object.schema_name, object.name))
        leave_out(table, "it matches option \"exclude\"");
    else if (parent != none && !a_parent_is_included)
        leave_out(table, "it needs " + left_out(parent));
    else if (parent == none && !options_.include.empty() &&
             !matches_any(options_.include, object.schema_name, object.name))
        leave_out(table, "it does not match option \"include\"");
}

// Parents before children.
void Selector::judge_tables()
{
    if (options_.include.empty() && options_.exclude.empty())
        return;
    Lists children(objects_.size());
    std::vector<std::size_t> parent(objects_.size(), none); // the first one
    std::vector<std::size_t> awaited(objects_.size());      // parents that are not judged
    std::vector<bool> a_parent_is_included(objects_.size());
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < objects_.size(); i++) {
        if (!is_table(objects_.head(i).kind))
            continue;
        const TableHead* shape = tables_.find(objects_.head(i).id);
        if (shape != nullptr) {
            for (const TableParent& named : shape->parents) {
                // (Nothing is known of one outside of what is cloned.)
                const auto found = relations_.find(named.oid);
                if (found == relations_.end() || found->second == i)
                    continue;
                parent[i] = parent[i] == none ? found->second : parent[i];
                children[found->second].push_back(i);
                awaited[i]++;
            }
        }
        if (awaited[i] == 0)
            ready.push_back(i);
    }
    for (std::size_t next = 0; next < ready.size(); next++) {
        const std::size_t table = ready[next];
        judge_table(table, parent[table], a_parent_is_included[table]);
        for (const std::size_t child : children[table]) {
            if (selection_.reasons[table].empty())
                a_parent_is_included[child] = true;
            if (--awaited[child] == 0)
                ready.push_back(child);
        }
    }
}

// From what is left out to what needs it and to its parts.
void Selector::spread()
{
    Lists dependents(objects_.size());
    for (const ObjectEdge& edge : edges_) {
        const std::size_t object = find(edge.object);
        const std::size_t needed = find(edge.needs);
        if (object != none && needed != none && object != needed)
            dependents[needed].push_back(object);
    }
    Lists parts(objects_.size());
    for (std::size_t i = 0; i < objects_.size(); i++) {
        const std::size_t relation = relation_of(i);
        if (relation != none)
            parts[relation].push_back(i);
    }
    for (std::size_t next = 0; next < left_out_.size(); next++) {
        const std::size_t object = left_out_[next];
        for (const std::size_t part : parts[object]) {
            if (selection_.reasons[part].empty())
                leave_out(part, "it belongs to " + left_out(object));
        }
        for (const std::size_t dependent : dependents[object]) {
            if (!selection_.reasons[dependent].empty())
                continue;
            const ObjectKind kind = objects_.head(dependent).kind;
            // A key needs the attachments only to come after them.
            if (objects_.head(object).kind == ObjectKind::index_attachment &&
                kind != ObjectKind::index_attachment)
                continue;
            if (kind == ObjectKind::index_attachment || kind == ObjectKind::index_mark)
                selection_.is_silent[dependent] = true;
            leave_out(dependent, "it needs " + left_out(object));
        }
    }
    // That it is a part of something tells more than whatever else was found before.
    for (std::size_t i = 0; i < objects_.size(); i++) {
        const std::size_t relation = relation_of(i);
        if (relation == none || selection_.reasons[relation].empty())
            continue;
        selection_.reasons[i] = "it belongs to " + left_out(relation);
        selection_.is_silent[i] = true;
    }
}

ObjectSelection Selector::select()
{
    judge_kinds();
    judge_tables();
    spread();
    return std::move(selection_);
}

// The schema comes along if it is missing. All else must be on the target, so nothing follows from its
// being left out.
ObjectSelection select_functions(const ObjectStore& objects, const CloneOptions& options)
{
    ObjectSelection selection;
    for (std::size_t i = 0; i < objects.size(); i++) {
        const ObjectKind kind = objects.head(i).kind;
        const bool is_taken = is_function(kind) || kind == ObjectKind::schema;
        selection.is_silent.push_back(!is_taken);
        selection.reasons.emplace_back(!is_taken            ? "it is not in scope \"functions\""
                                       : !options.functions ? "option \"functions\" is false"
                                                            : "");
    }
    return selection;
}

} // namespace

ObjectSelection select_objects(const ObjectStore& objects, const std::vector<ObjectEdge>& edges,
                               const TableStore& tables, const CloneOptions& options,
                               JobScope scope)
{
    if (scope == JobScope::functions)
        return select_functions(objects, options);
    return Selector(objects, edges, tables, options).select();
}

} // namespace pgclone

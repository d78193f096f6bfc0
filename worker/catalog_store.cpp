#include "worker/catalog_store.hpp"

#include <algorithm>
#include <numeric>

#include "worker/packed_fields.hpp"

namespace pgclone {

// Of what is put away; in which order does not matter.

template <typename Visit>
void visit_fields(ObjectId& id, Visit& visit)
{
    visit(id.classid);
    visit(id.objid);
}

template <typename Visit>
void visit_fields(StatementTemplate::Role& role, Visit& visit)
{
    visit(role.name);
}

template <typename Visit>
void visit_fields(StatementTemplate& statement, Visit& visit)
{
    statement.visit_fields(visit);
}

template <typename Visit>
void visit_fields(ObjectRequirement& requirement, Visit& visit)
{
    visit(requirement.kind);
    visit(requirement.name);
}

template <typename Visit>
void visit_fields(KeyIndex& index, Visit& visit)
{
    visit(index.name);
    visit(index.create);
    visit(index.use);
    visit(index.drop);
}

template <typename Visit>
void visit_fields(LateValidation& validation, Visit& visit)
{
    visit(validation.add);
    visit(validation.validate);
    visit(validation.index);
}

// The head and the schema's name stay in memory.
template <typename Visit>
void visit_fields(CatalogObject& object, Visit& visit)
{
    visit(object.name);
    visit(object.object_as);
    visit(object.owner);
    visit(object.create);
    visit(object.complete);
    visit(object.shell);
    visit(object.drop);
    visit(object.requirements);
    visit(object.key_index);
    visit(object.late_validation);
    visit(object.version);
    visit(object.comments);
    visit(object.labels);
    visit(object.privileges);
}

template <typename Visit>
void visit_fields(ShapeColumn& column, Visit& visit)
{
    visit(column.name);
    visit(column.type);
    visit(column.generation);
    visit(column.not_null);
    visit(column.own_not_null);
    visit(column.identity);
    visit(column.is_local);
    visit(column.parents);
}

// The head stays in memory.
template <typename Visit>
void visit_fields(TableShape& table, Visit& visit)
{
    visit(table.relation);
    visit(table.head);
    visit(table.of_type);
    visit(table.columns);
    visit(table.tail);
    visit(table.helper);
    visit(table.after);
    visit(table.after_children);
    visit(table.copy_columns);
    visit(table.padded_columns);
    visit(table.binary_safe);
    visit(table.own_types);
}

CatalogObject ObjectStore::load(std::size_t number) const
{
    CatalogObject object;
    static_cast<ObjectHead&>(object) = head(number);
    object.schema_name = schema_name(number);
    const std::string bytes = file_.read(places_[number]);
    FieldUnpacker unpack(bytes);
    unpack(object);
    return object;
}

void ObjectStore::add(const CatalogObject& object)
{
    heads_.emplace_back();
    places_.emplace_back();
    put(heads_.size() - 1, object);
}

void ObjectStore::replace(std::size_t number, const CatalogObject& object)
{
    put(number, object);
}

void ObjectStore::put(std::size_t number, const CatalogObject& object)
{
    Head& head = heads_.at(number);
    static_cast<ObjectHead&>(head) = object;
    head.has_shell = !object.shell.empty();
    head.has_key_index = object.key_index.has_value();
    head.has_late_validation = object.late_validation.has_value();
    head.schema = number_of_schema(object.schema_name);
    head.newest_privilege = 0;
    for (const StatementTemplate& statement : object.privileges)
        head.newest_privilege = std::max(head.newest_privilege, statement.since());
    FieldPacker pack;
    pack(object);
    places_[number] = file_.append(pack.bytes());
}

std::uint32_t ObjectStore::number_of_schema(const std::string& name)
{
    const auto [place, is_new] =
        schema_numbers_.try_emplace(name, static_cast<std::uint32_t>(schema_names_.size()));
    if (is_new)
        schema_names_.push_back(name);
    return place->second;
}

std::optional<std::size_t> ObjectStore::find(ObjectId id) const
{
    if (by_id_.size() != heads_.size()) {
        by_id_.resize(heads_.size());
        std::iota(by_id_.begin(), by_id_.end(), std::uint32_t{0});
        std::sort(by_id_.begin(), by_id_.end(), [this](std::uint32_t a, std::uint32_t b) {
            return heads_[a].id < heads_[b].id;
        });
    }
    const auto place = std::lower_bound(
        by_id_.begin(), by_id_.end(), id,
        [this](std::uint32_t number, const ObjectId& sought) { return heads_[number].id < sought; });
    if (place == by_id_.end() || heads_[*place].id != id)
        return std::nullopt;
    return *place;
}

void ObjectStore::reorder(const std::vector<std::uint32_t>& order)
{
    std::vector<Head> heads;
    std::vector<ScratchFile::Place> places;
    heads.reserve(order.size());
    places.reserve(order.size());
    for (const std::uint32_t number : order) {
        heads.push_back(heads_.at(number));
        places.push_back(places_.at(number));
    }
    by_id_.clear();
    heads_ = std::move(heads);
    places_ = std::move(places);
}

TableShape TableStore::load(ObjectId id) const
{
    const Entry& entry = entries_.at(id);
    TableShape table;
    static_cast<TableHead&>(table) = entry.head;
    const std::string bytes = file_.read(entry.place);
    FieldUnpacker unpack(bytes);
    unpack(table);
    return table;
}

void TableStore::add(const TableShape& table)
{
    FieldPacker pack;
    pack(table);
    Entry& entry = entries_[table.id];
    entry = {table, file_.append(pack.bytes())};
    entry.head.has_after_children = !table.after_children.empty();
}

} // namespace pgclone

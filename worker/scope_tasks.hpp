// How plan_scope() makes the tasks: its state, and one method for each part. Defined in
// scope_plan.cpp (order, and what frames the rest), scope_steps.cpp (DDL), scope_rows.cpp (rows and
// what is made of them), scope_units.cpp (small tables with all that is theirs).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "worker/edge_index.hpp"
#include "worker/scope_plan.hpp"

namespace pgclone {

// What is larger is worth a task of its own for each index and each validation, done by table
// workers at once; what is smaller is quicker done in one go by the job worker.
inline constexpr std::int64_t large_table_bytes = 8 * 1024 * 1024;

// All tasks of a stage may run at once; they begin when those before have ended.
enum Stage : std::int32_t {
    stage_set_aside = 1,
    stage_before_data,
    stage_data,
    stage_after_data,
    stage_foreign_keys,
    stage_validation,
    stage_refresh,
    stage_sequence_values,
    stage_statistics,
    stage_privileges,
    stage_last,
    stage_publish,
};

class ScopePlanner {
  public:
    ScopePlanner(SourceCatalog catalog, const ObjectSelection& selection,
                 const ScopeTarget& target, const ScopeNaming& naming, const CloneOptions& options,
                 const SplitRules& split, TaskRows* rows)
        : catalog_(std::move(catalog)), selection_(selection), target_(target), naming_(naming),
          options_(options), split_(split), rows_(rows), search_path_(naming.search_path())
    {
    }

    ScopePlan plan();

  private:
    // Read back from a file; what is in memory of it.
    CatalogObject object_at(std::size_t node) const;
    const ObjectStore::Head& head_at(std::size_t node) const;
    // nullopt: it is not cloned.
    std::optional<std::size_t> node_of(ObjectId id) const;
    // The last task so far that made the object or a part of it; 0 = none.
    std::int32_t made_by(ObjectId id) const;
    void wait_for_maker(CloneTask& task, ObjectId id) const; // which there must be
    void index_objects();
    bool is_kept(const CatalogObject& object) const;
    void order();
    CloneTask& add(Stage stage, TaskKind kind, std::string object_kind, JobPhase phase);
    CloneTask& add_for(const CatalogObject& object, Stage stage, TaskKind kind,
                       std::string object_kind, JobPhase phase);
    void put_away();
    static void wait_for(CloneTask& task, std::int32_t other);
    void wait_for_needs(CloneTask& task, ObjectId id) const;
    void append(CloneTask& task, const std::vector<StatementTemplate>& statements) const;
    std::string aside_schema(const std::string& schema);
    void add_set_aside();
    void find_units();
    bool is_unit_part(ObjectId id) const;
    void find_own_code();
    bool needs_own_code(ObjectId id) const;
    std::uint32_t table_behind(ObjectId id) const;
    void drop_entangled_units(const OrderedStep& step);
    void add_riders();
    void add_units();
    void add_unit(const OrderedStep& table);
    struct Unit;
    void fold_unit(std::size_t first, const OrderedStep& table, const Unit& unit);
    void add_sequence_value(const SequenceState& sequence);
    CloneTask& add_analyze(const CatalogObject& object);
    std::uint32_t lock_key(std::uint32_t table) const;
    void lock_for_foreign_key(CloneTask& task, const ObjectHead& key, bool validates) const;
    void add_steps(ObjectSection section, Stage stage, JobPhase phase);
    void add_step(const OrderedStep& step, Stage stage, JobPhase phase);
    void fill_step(CloneTask& task, const OrderedStep& step, const CatalogObject& object);
    const TableHead* table_of(const ObjectHead& object) const;
    std::uint32_t table_class() const { return catalog_.tables.table_class(); }
    bool is_on_large_table(const ObjectHead& object) const;
    bool is_validated_late(const OrderedStep& step) const;
    bool goes_with_table(const ObjectHead& object) const;
    bool is_built_with_data(const OrderedStep& step) const;
    bool is_made_with_data(const OrderedStep& step) const;
    void add_data();
    std::vector<PageRange> ranges_of(const TableHead& table) const;
    std::vector<std::int32_t> add_table_data(const CatalogObject& object, const TableShape& table);
    CloneTask& add_table_copy(const CatalogObject& object, const TableShape& table,
                              const std::string& predicate);
    void add_index(const OrderedStep& step, const std::vector<std::int32_t>& data);
    bool has_key_index(const OrderedStep& step) const;
    std::int64_t bytes_of_index(const OrderedStep& step) const;
    void sort_largest_first(std::vector<const OrderedStep*>& indexes) const;
    void add_extension_rows();
    void add_extension_table(const ExtensionRows& table,
                             std::map<std::uint32_t, std::int32_t>& copied);
    void add_large_objects();
    void add_validations();
    bool may_merge(const CatalogObject& key) const;
    const std::set<std::int32_t>& refreshes_under(ObjectId id);
    void add_refreshes();
    void add_sequence_values();
    std::set<std::uint32_t> tables_above_foreign_ones() const;
    void find_reordered_tables();
    enum class AnalyzeOf { partitioned_tables, all_else };
    void add_analyzes(AnalyzeOf which);
    void append_owner_and_privileges(CloneTask& task, const CatalogObject& object) const;
    void add_owners_and_privileges();
    static bool is_own_anyway(const CatalogObject& object);
    void add_remarks_of_kept(const CatalogObject& object);
    void add_left_out();
    void add_newer(const std::vector<StatementTemplate>& statements);
    std::int32_t add_drops(const std::vector<std::string>& schemas);
    void add_publish();

    SourceCatalog catalog_;
    const ObjectSelection& selection_;
    const ScopeTarget& target_;
    const ScopeNaming& naming_;
    const CloneOptions& options_;
    const SplitRules split_;
    TaskRows* const rows_; // see plan_scope()
    const std::string search_path_;

    std::vector<ObjectNode> nodes_;
    std::vector<std::size_t> node_objects_; // nodes_[i] is catalog_.objects[node_objects_[i]]
    std::vector<std::uint32_t> nodes_by_id_; // indexes into nodes_
    EdgeIndex needs_;
    std::vector<OrderedStep> steps_;
    std::vector<ObjectSection> sections_; // of nodes_[i]
    std::vector<bool> is_kept_; // see is_kept(), of each object of the catalog
    TableMaker table_maker_;
    std::unordered_map<std::uint32_t, std::size_t> places_of_tables_; // there, by OID
    std::vector<std::int32_t> made_by_; // of nodes_[i]: see made_by()
    std::map<ObjectId, std::int32_t> refresh_of_;
    std::map<ObjectId, std::set<std::int32_t>> refreshes_under_;
    std::map<std::string, std::string> aside_schemas_;
    // A small table on which nothing else of before the data depends: made, filled and indexed in
    // one transaction of a table worker, together with others of its kind.
    struct Unit {
        std::vector<const OrderedStep*> parts;  // before the rows: defaults, checks, sequences
        std::vector<const OrderedStep*> riders; // after them: indexes, keys
        bool is_analyzed_later = false; // something else that ANALYZE looks at comes later
    };
    std::map<std::uint32_t, Unit> units_; // by the table's OID
    std::map<ObjectId, std::vector<const SequenceState*>> sequences_of_; // by SequenceState::node
    std::set<std::uint32_t> reordered_tables_; // see find_reordered_tables()
    std::set<ObjectId> own_code_; // objects that call functions of the clone
    ScopePlan plan_;
    std::size_t put_away_ = 0; // of its tasks, so many from the first on are in rows_
};

// SELECT setval(...) on the target.
std::string set_value_statement(const SequenceState& sequence);

} // namespace pgclone

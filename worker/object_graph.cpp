#include "worker/object_graph.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

// A node has one step, its main one: it makes the whole object, or completes it if there is a
// second step that makes the shell. Main steps are numbered by rank, the place of their nodes
// among all by (kind, sort_key, id); so nothing depends on the order in which nodes are given.
using StepIndex = std::uint32_t;
constexpr StepIndex no_step = std::numeric_limits<StepIndex>::max();

constexpr std::size_t max_listed = 10;

// A circle with more views than this gets several shells at a time, since looking again after each
// takes time that grows with the square. A shell too many does no harm.
constexpr std::size_t views_one_by_one = 100;

struct Need {
    StepIndex step;
    bool of_shell;
};

struct Step {
    StepIndex main = no_step; // of the same node
    StepForm form = StepForm::whole;
    StepIndex shell = no_step; // of a main step: the node's other one
    std::vector<Need> needs;
};

// Of a step in a circle: from and to how many others in it.
struct Ways {
    std::uint32_t in = 0;
    std::uint32_t out = 0;
};

using Circle = std::vector<StepIndex>;

class ObjectOrder {
  public:
    ObjectOrder(const std::vector<ObjectNode>& nodes, const std::vector<ObjectEdge>& edges);

    std::vector<OrderedStep> sort();

  private:
    void add_needs(const std::vector<ObjectEdge>& edges);

    const ObjectNode& node(StepIndex step) const { return nodes_[by_rank_[steps_[step].main]]; }
    ObjectSection own_section(StepIndex step) const
    {
        const ObjectSection section = traits(node(step).kind).section;
        return node(step).is_late ? std::max(section, ObjectSection::after_data) : section;
    }
    bool gets_along_with_shell(StepIndex step, StepIndex needed) const;
    void make_shell(StepIndex step);
    std::vector<std::vector<StepIndex>> list_dependents() const;

    // Cycles. A circle is what the theory of graphs calls a strongly connected component.
    void break_circles();
    std::vector<Circle> find_circles(const std::vector<StepIndex>& region);
    void mark(const Circle& circle);
    bool is_marked(StepIndex step) const { return region_[step] == current_region_; }
    std::vector<StepIndex> types_to_split(const Circle& circle) const;
    std::vector<StepIndex> views_to_split(const Circle& circle);
    void use_shells(const Circle& circle);
    [[noreturn]] void raise_circle(const Circle& circle);

    // What must precede the data.
    void bring_forward();
    std::vector<char> find_late() const;
    [[noreturn]] void raise_too_late(const std::vector<StepIndex>& wanted_by, StepIndex last);

    std::string list_names(const std::vector<StepIndex>& steps) const;

    const std::vector<ObjectNode>& nodes_;
    std::vector<std::size_t> by_rank_; // indexes into nodes_
    std::vector<Step> steps_;

    // For find_circles() and what looks at one circle: element i belongs to steps_[i].
    std::vector<std::uint32_t> region_;
    std::vector<std::uint32_t> visited_;
    std::vector<std::uint32_t> lowest_;
    std::vector<Ways> ways_;
    std::uint32_t current_region_ = 0;
};

ObjectOrder::ObjectOrder(const std::vector<ObjectNode>& nodes, const std::vector<ObjectEdge>& edges)
    : nodes_(nodes), by_rank_(nodes.size()), steps_(nodes.size())
{
    std::iota(by_rank_.begin(), by_rank_.end(), std::size_t{0});
    std::sort(by_rank_.begin(), by_rank_.end(), [&nodes](std::size_t a, std::size_t b) {
        return std::tie(nodes[a].kind, nodes[a].sort_key, nodes[a].id) <
               std::tie(nodes[b].kind, nodes[b].sort_key, nodes[b].id);
    });
    for (StepIndex rank = 0; rank < steps_.size(); rank++)
        steps_[rank].main = rank;
    add_needs(edges);
}

void ObjectOrder::add_needs(const std::vector<ObjectEdge>& edges)
{
    std::unordered_map<ObjectId, StepIndex, ObjectIdHash> ranks;
    ranks.reserve(steps_.size());
    for (StepIndex rank = 0; rank < steps_.size(); rank++)
        ranks.emplace(node(rank).id, rank);
    for (const ObjectEdge& edge : edges) {
        const auto object = ranks.find(edge.object);
        const auto needed = ranks.find(edge.needs);
        if (object != ranks.end() && needed != ranks.end() && object != needed)
            steps_[object->second].needs.push_back({needed->second, edge.of_shell});
    }
    // Of the edges between the same two the one that says more is kept.
    for (Step& step : steps_) {
        std::sort(step.needs.begin(), step.needs.end(), [](const Need& a, const Need& b) {
            return std::tuple(a.step, !a.of_shell) < std::tuple(b.step, !b.of_shell);
        });
        const auto end = std::unique(step.needs.begin(), step.needs.end(),
                                     [](const Need& a, const Need& b) { return a.step == b.step; });
        step.needs.erase(end, step.needs.end());
    }
}

// Whether the shell of `needed` is, or could be made, enough for `step`.
bool ObjectOrder::gets_along_with_shell(StepIndex step, StepIndex needed) const
{
    if (steps_[needed].main != needed || !node(needed).has_shell)
        return false;
    if (node(needed).kind == ObjectKind::view)
        return true;
    const ObjectKind kind = node(step).kind;
    return kind == ObjectKind::function || kind == ObjectKind::procedure;
}

void ObjectOrder::make_shell(StepIndex step)
{
    const auto shell = static_cast<StepIndex>(steps_.size());
    Step made;
    made.main = step;
    made.form = StepForm::shell;
    for (const Need& need : steps_[step].needs)
        if (need.of_shell)
            made.needs.push_back(need);
    steps_.push_back(std::move(made));
    steps_[step].form = StepForm::completion;
    steps_[step].shell = shell;
    steps_[step].needs.push_back({shell, false});
}

std::vector<std::vector<StepIndex>> ObjectOrder::list_dependents() const
{
    std::vector<std::vector<StepIndex>> dependents(steps_.size());
    for (StepIndex step = 0; step < steps_.size(); step++)
        for (const Need& need : steps_[step].needs)
            dependents[need.step].push_back(step);
    return dependents;
}

// --- Cycles

void ObjectOrder::break_circles()
{
    std::vector<StepIndex> all(steps_.size());
    std::iota(all.begin(), all.end(), StepIndex{0});
    std::vector<Circle> open = find_circles(all);
    while (!open.empty()) {
        Circle circle = std::move(open.back());
        open.pop_back();
        mark(circle);
        std::vector<StepIndex> chosen = types_to_split(circle);
        if (chosen.empty())
            chosen = views_to_split(circle);
        if (chosen.empty())
            raise_circle(circle);
        for (const StepIndex step : chosen) {
            make_shell(step);
            circle.push_back(steps_[step].shell);
        }
        mark(circle);
        use_shells(circle);
        for (Circle& rest : find_circles(circle))
            open.push_back(std::move(rest));
    }
}

void ObjectOrder::mark(const Circle& circle)
{
    region_.resize(steps_.size());
    current_region_++;
    for (const StepIndex step : circle)
        region_[step] = current_region_;
}

// Tarjan's algorithm, without recursion, on the steps of `region` alone. Steps in a circle are in
// ascending order, and so are circles by their first steps.
std::vector<Circle> ObjectOrder::find_circles(const std::vector<StepIndex>& region)
{
    struct Frame {
        StepIndex step;
        std::size_t next; // of its needs
    };
    std::vector<Circle> circles;
    std::vector<StepIndex> path; // visited, and not yet known to which circle they belong
    std::vector<Frame> frames;
    std::uint32_t count = 0;
    mark(region);
    visited_.resize(steps_.size());
    lowest_.resize(steps_.size());
    for (const StepIndex step : region)
        visited_[step] = 0;

    const auto enter = [&](StepIndex step) {
        visited_[step] = lowest_[step] = ++count;
        path.push_back(step);
        frames.push_back({step, 0});
    };
    for (const StepIndex root : region) {
        if (visited_[root] != 0)
            continue;
        enter(root);
        while (!frames.empty()) {
            const StepIndex step = frames.back().step;
            const std::vector<Need>& needs = steps_[step].needs;
            if (frames.back().next < needs.size()) {
                const StepIndex needed = needs[frames.back().next++].step;
                if (!is_marked(needed))
                    continue;
                if (visited_[needed] == 0)
                    enter(needed);
                else
                    lowest_[step] = std::min(lowest_[step], visited_[needed]);
                continue;
            }
            frames.pop_back();
            if (!frames.empty())
                lowest_[frames.back().step] = std::min(lowest_[frames.back().step], lowest_[step]);
            if (lowest_[step] != visited_[step])
                continue;
            Circle circle;
            do {
                circle.push_back(path.back());
                region_[path.back()] = 0;
                path.pop_back();
            } while (circle.back() != step);
            if (circle.size() > 1) {
                std::sort(circle.begin(), circle.end());
                circles.push_back(std::move(circle));
            }
        }
    }
    std::sort(circles.begin(), circles.end());
    return circles;
}

// Types of which a function in the circle needs no more than the shell: base types and their input
// and output functions, ranges and their canonical functions. The circle must be marked.
std::vector<StepIndex> ObjectOrder::types_to_split(const Circle& circle) const
{
    std::vector<StepIndex> types;
    for (const StepIndex step : circle) {
        for (const Need& need : steps_[step].needs) {
            if (is_marked(need.step) && gets_along_with_shell(step, need.step) &&
                node(need.step).kind != ObjectKind::view && steps_[need.step].shell == no_step)
                types.push_back(need.step);
        }
    }
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    return types;
}

// Views whose shells need less of the circle than they do, chosen so that few are: all that need,
// and are needed by, something that cannot be split; else the one through which most ways lead.
// The circle must be marked.
std::vector<StepIndex> ObjectOrder::views_to_split(const Circle& circle)
{
    // Elements of the circle that are no such views have no ways out here.
    ways_.resize(steps_.size());
    for (const StepIndex step : circle)
        ways_[step] = {};
    std::unordered_set<std::uint64_t> ways;
    const auto way = [](StepIndex from, StepIndex to) { return std::uint64_t{from} << 32 | to; };
    for (const StepIndex step : circle) {
        const bool is_view = steps_[step].main == step && steps_[step].shell == no_step &&
                             node(step).has_shell && node(step).kind == ObjectKind::view;
        for (const Need& need : steps_[step].needs) {
            if (!is_marked(need.step))
                continue;
            ways_[need.step].in++;
            if (is_view && !need.of_shell) {
                ways_[step].out++;
                ways.insert(way(step, need.step));
            }
        }
    }

    std::vector<StepIndex> views;
    std::vector<StepIndex> chosen;
    for (const StepIndex step : circle) {
        if (ways_[step].out > 0) {
            views.push_back(step);
            continue;
        }
        for (const Need& need : steps_[step].needs)
            if (is_marked(need.step) && ways.contains(way(need.step, step)))
                chosen.push_back(need.step);
    }
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    if (!chosen.empty() || views.empty())
        return chosen;
    const auto score = [this](StepIndex step) {
        return std::uint64_t{ways_[step].in} * ways_[step].out;
    };
    std::sort(views.begin(), views.end(), [&score](StepIndex a, StepIndex b) {
        return score(a) != score(b) ? score(a) > score(b) : a < b;
    });
    views.resize(1 + (views.size() - 1) / views_one_by_one);
    return views;
}

// Who is in the circle needs from now on only the shells of what is in it.
void ObjectOrder::use_shells(const Circle& circle)
{
    for (const StepIndex step : circle) {
        for (Need& need : steps_[step].needs) {
            if (is_marked(need.step) && steps_[need.step].shell != no_step &&
                gets_along_with_shell(step, need.step))
                need.step = steps_[need.step].shell;
        }
    }
}

// Names a shortest way round.
void ObjectOrder::raise_circle(const Circle& circle)
{
    mark(circle);
    const StepIndex start = circle.front();
    std::unordered_map<StepIndex, StepIndex> needed_by;
    std::deque<StepIndex> waiting = {start};
    std::vector<StepIndex> way;
    while (way.empty() && !waiting.empty()) {
        const StepIndex step = waiting.front();
        waiting.pop_front();
        for (const Need& need : steps_[step].needs) {
            if (need.step == start) {
                for (StepIndex at = step; at != start; at = needed_by[at])
                    way.push_back(at);
                way.push_back(start);
                break;
            }
            if (is_marked(need.step) && needed_by.emplace(need.step, step).second)
                waiting.push_back(need.step);
        }
    }
    std::reverse(way.begin(), way.end());
    throw PgError(sqlstate::feature_not_supported, "objects need each other in a circle",
                  "Each of these needs the next, and the last one the first: " + list_names(way) +
                      ".",
                  "Options such as \"exclude\" or \"functions\" leave objects out.");
}

// --- What must precede the data

// Which steps come after the data, if nothing is done about it.
std::vector<char> ObjectOrder::find_late() const
{
    const std::vector<std::vector<StepIndex>> dependents = list_dependents();
    std::vector<char> late(steps_.size(), 0);
    std::vector<StepIndex> waiting;
    for (StepIndex step = 0; step < steps_.size(); step++) {
        if (own_section(step) != ObjectSection::before_data) {
            late[step] = 1;
            waiting.push_back(step);
        }
    }
    while (!waiting.empty()) {
        const StepIndex step = waiting.back();
        waiting.pop_back();
        for (const StepIndex dependent : dependents[step]) {
            if (late[dependent] == 0) {
                late[dependent] = 1;
                waiting.push_back(dependent);
            }
        }
    }
    return late;
}

// Makes what must precede the data, and all that it needs, independent of what comes later.
// No circle can come of it: a shell needs nothing that the whole does not need.
void ObjectOrder::bring_forward()
{
    std::vector<char> late = find_late();
    std::vector<StepIndex> wanted_by(steps_.size(), no_step);
    std::deque<StepIndex> wanted;
    for (StepIndex step = 0; step < steps_.size(); step++) {
        if (late[step] != 0 && traits(node(step).kind).must_precede_data) {
            wanted_by[step] = step;
            wanted.push_back(step);
        }
    }
    while (!wanted.empty()) {
        const StepIndex step = wanted.front();
        wanted.pop_front();
        for (std::size_t i = 0; i < steps_[step].needs.size(); i++) {
            StepIndex needed = steps_[step].needs[i].step;
            if (late[needed] == 0)
                continue;
            if (gets_along_with_shell(step, needed)) {
                if (steps_[needed].shell == no_step) {
                    make_shell(needed);
                    late.push_back(1);
                    wanted_by.push_back(no_step);
                }
                needed = steps_[needed].shell;
                steps_[step].needs[i].step = needed;
            }
            if (own_section(needed) != ObjectSection::before_data) {
                wanted_by[needed] = step;
                raise_too_late(wanted_by, needed);
            }
            if (wanted_by[needed] == no_step) {
                wanted_by[needed] = step;
                wanted.push_back(needed);
            }
        }
    }
}

void ObjectOrder::raise_too_late(const std::vector<StepIndex>& wanted_by, StepIndex last)
{
    std::vector<StepIndex> way = {last};
    while (wanted_by[way.back()] != way.back())
        way.push_back(wanted_by[way.back()]);
    std::reverse(way.begin(), way.end());
    throw PgError(sqlstate::feature_not_supported,
                  "an object that must precede the data needs one that comes after it",
                  "Each of these needs the next: " + list_names(way) + ".",
                  "Options such as \"exclude\" or \"functions\" leave objects out.");
}

// The objects of `steps`; an object whose shell is among them, too, only once.
std::string ObjectOrder::list_names(const std::vector<StepIndex>& steps) const
{
    std::vector<StepIndex> listed;
    std::unordered_set<StepIndex> seen;
    for (const StepIndex step : steps)
        if (seen.insert(steps_[step].main).second)
            listed.push_back(steps_[step].main);
    std::string text;
    for (std::size_t i = 0; i < std::min(listed.size(), max_listed); i++) {
        text += text.empty() ? "" : ", ";
        text += std::string(to_text(node(listed[i]).kind)) + " " + node(listed[i]).sort_key;
    }
    if (listed.size() > max_listed)
        text += " and " + std::to_string(listed.size() - max_listed) + " more";
    return text;
}

// --- The order

std::vector<OrderedStep> ObjectOrder::sort()
{
    break_circles();
    bring_forward();

    // Kahn's algorithm. A step that is ready has its section, since all that it needs came before;
    // so the queue gives all of a section before the first of the next.
    const std::vector<std::vector<StepIndex>> dependents = list_dependents();
    std::vector<ObjectSection> sections(steps_.size());
    std::vector<std::size_t> awaited(steps_.size());
    using Key = std::tuple<ObjectSection, bool, StepIndex, StepIndex>;
    std::priority_queue<Key, std::vector<Key>, std::greater<>> ready;
    const auto push = [&](StepIndex step) {
        ready.emplace(sections[step], steps_[step].form != StepForm::completion, steps_[step].main,
                      step);
    };
    for (StepIndex step = 0; step < steps_.size(); step++) {
        sections[step] = own_section(step);
        awaited[step] = steps_[step].needs.size();
        if (awaited[step] == 0)
            push(step);
    }
    std::vector<OrderedStep> order;
    order.reserve(steps_.size());
    while (!ready.empty()) {
        const StepIndex step = std::get<3>(ready.top());
        ready.pop();
        order.push_back({by_rank_[steps_[step].main], steps_[step].form, sections[step]});
        for (const StepIndex dependent : dependents[step]) {
            sections[dependent] = std::max(sections[dependent], sections[step]);
            if (--awaited[dependent] == 0)
                push(dependent);
        }
    }
    if (order.size() != steps_.size())
        throw PgError(sqlstate::internal_error, "objects could not be put in an order");
    return order;
}

} // namespace

std::vector<OrderedStep> order_objects(const std::vector<ObjectNode>& nodes,
                                       const std::vector<ObjectEdge>& edges)
{
    return ObjectOrder(nodes, edges).sort();
}

} // namespace pgclone

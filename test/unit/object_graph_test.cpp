#include "worker/object_graph.hpp"

#include "test/unit/cpu_time.hpp"
#include "test/unit/expect_error.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>

using namespace pgclone;
using pgclone::test::expect_error;
using pgclone::test::mentions;

namespace {

class Graph {
  public:
    // Objects are called by their sort keys.
    void add(ObjectKind kind, const std::string& name, bool has_shell = false)
    {
        const auto oid = static_cast<std::uint32_t>(nodes.size() + 1);
        nodes.push_back({{7, oid}, kind, name, has_shell});
        ids[name] = {7, oid};
    }

    void needs(const std::string& object, const std::string& needed, bool of_shell = true)
    {
        edges.push_back({ids.at(object), ids.at(needed), of_shell});
    }

    // A table, and the primary key of it that comes after the data.
    void add_table_with_key(const std::string& name)
    {
        add(ObjectKind::table, name);
        add(ObjectKind::constraint, name + "_pkey");
        needs(name + "_pkey", name);
    }

    // The order as text: "a b:shell | c b:completion", a bar for each new section.
    std::string order() const
    {
        std::string text;
        ObjectSection section = ObjectSection::before_data;
        for (const OrderedStep& step : order_objects(nodes, edges)) {
            for (; section < step.section; section = static_cast<ObjectSection>(int(section) + 1))
                text += text.empty() ? "|" : " |";
            text += (text.empty() ? "" : " ") + nodes[step.node].sort_key;
            text += step.form == StepForm::shell        ? ":shell"
                    : step.form == StepForm::completion ? ":completion"
                                                        : "";
        }
        return text;
    }

    // The rules that every order must keep.
    void check(const std::vector<OrderedStep>& order) const;

    std::vector<ObjectNode> nodes;
    std::vector<ObjectEdge> edges;
    std::map<std::string, ObjectId> ids;
};

void Graph::check(const std::vector<OrderedStep>& order) const
{
    constexpr auto none = static_cast<std::size_t>(-1);
    std::map<ObjectId, std::size_t> first; // place of the shell or the whole
    std::map<ObjectId, std::size_t> made;  // place of the whole or the completion
    std::map<ObjectId, std::size_t> shells;
    for (std::size_t place = 0; place < order.size(); place++) {
        const OrderedStep& step = order[place];
        const ObjectNode& node = nodes.at(step.node);
        if (place > 0)
            REQUIRE(step.section >= order[place - 1].section);
        REQUIRE(step.section >= traits(node.kind).section);
        if (step.form == StepForm::shell) {
            REQUIRE(node.has_shell);
            REQUIRE(shells.emplace(node.id, place).second);
            first.emplace(node.id, place);
            continue;
        }
        REQUIRE((step.form == StepForm::completion) == (shells.count(node.id) == 1));
        REQUIRE(made.emplace(node.id, place).second);
        first.emplace(node.id, place);
        if (traits(node.kind).must_precede_data)
            REQUIRE(step.section == ObjectSection::before_data);
    }
    REQUIRE(made.size() == nodes.size());
    const auto place_in = [](const std::map<ObjectId, std::size_t>& places, ObjectId id) {
        const auto found = places.find(id);
        return found == places.end() ? none : found->second;
    };
    for (const ObjectEdge& edge : edges) {
        const std::size_t needed = place_in(first, edge.needs);
        if (needed == none || place_in(made, edge.object) == none || edge.object == edge.needs)
            continue;
        REQUIRE(needed < made.at(edge.object));
        if (edge.of_shell && shells.count(edge.object) == 1)
            REQUIRE(needed < shells.at(edge.object));
    }
}

} // namespace

TEST_CASE("no objects, no order")
{
    CHECK(order_objects({}, {}).empty());
    CHECK(order_objects({}, {{{1, 2}, {1, 3}, true}}).empty());
}

TEST_CASE("free objects come by kind, then sort key, then id")
{
    Graph graph;
    graph.add(ObjectKind::view, "a");
    graph.add(ObjectKind::table, "c");
    graph.add(ObjectKind::table, "b");
    graph.add(ObjectKind::schema, "z");
    graph.add(ObjectKind::event_trigger, "e");
    graph.add(ObjectKind::trigger, "d");
    graph.add(ObjectKind::large_object, "l");
    CHECK(graph.order() == "z b c a l | d | e");

    graph.nodes = {{{7, 3}, ObjectKind::cast, "x"},
                   {{6, 9}, ObjectKind::cast, "x"},
                   {{7, 2}, ObjectKind::cast, "x"}};
    const std::vector<OrderedStep> order = order_objects(graph.nodes, {});
    REQUIRE(order.size() == 3);
    CHECK(order[0].node == 1);
    CHECK(order[1].node == 2);
    CHECK(order[2].node == 0);
}

TEST_CASE("chains and diamonds")
{
    Graph graph;
    for (const char* name : {"a", "b", "c", "d"})
        graph.add(ObjectKind::table, name);
    graph.needs("a", "b");
    graph.needs("a", "c");
    graph.needs("b", "d");
    graph.needs("c", "d");
    CHECK(graph.order() == "d b c a");
    graph.needs("b", "c");
    graph.needs("b", "c", false); // an edge may be there twice
    CHECK(graph.order() == "d c b a");
}

TEST_CASE("a need of a kind that usually comes later")
{
    Graph graph;
    graph.add(ObjectKind::function, "f");
    graph.add(ObjectKind::table, "t");
    graph.add(ObjectKind::sequence, "q");
    graph.add(ObjectKind::default_, "d");
    graph.needs("f", "t");
    graph.needs("d", "f");
    graph.needs("d", "q");
    CHECK(graph.order() == "t f q d");
}

TEST_CASE("edges to itself and to what is not there are passed over")
{
    Graph graph;
    graph.add(ObjectKind::function, "f");
    graph.add(ObjectKind::view, "v", true);
    graph.needs("f", "f");
    graph.needs("v", "v", false);
    graph.edges.push_back({{7, 1}, {8, 1}, true});
    graph.edges.push_back({{8, 1}, {7, 1}, true});
    CHECK(graph.order() == "f v");
}

TEST_CASE("what needs something of a later section goes there")
{
    Graph graph;
    graph.add_table_with_key("t");
    graph.add(ObjectKind::view, "v", true); // groups by the primary key
    graph.add(ObjectKind::view, "w", true);
    graph.add(ObjectKind::function, "f"); // has an SQL body that needs the primary key
    graph.add(ObjectKind::materialized_view, "m");
    graph.needs("v", "t", false);
    graph.needs("v", "t_pkey", false);
    graph.needs("w", "v", false);
    graph.needs("f", "t_pkey");
    graph.needs("m", "f", false);
    CHECK(graph.order() == "t | t_pkey f v w m");

    graph.add(ObjectKind::publication, "p");
    graph.add(ObjectKind::trigger, "g");
    graph.needs("g", "p");
    CHECK(graph.order() == "t | t_pkey f v w m | p g");
}

TEST_CASE("a type and its functions")
{
    Graph graph;
    graph.add(ObjectKind::type, "box", true);
    graph.add(ObjectKind::function, "box_in");
    graph.add(ObjectKind::function, "box_out");
    graph.add(ObjectKind::function, "area"); // is in no circle
    graph.add(ObjectKind::cast, "box as text");
    graph.add(ObjectKind::schema, "s");
    graph.needs("box", "s");
    graph.needs("box", "box_in", false);
    graph.needs("box", "box_out", false);
    graph.needs("box_in", "box");
    graph.needs("box_out", "box");
    graph.needs("area", "box");
    graph.needs("box as text", "box");
    CHECK(graph.order() == "s box:shell box_in box_out box:completion area box as text");
}

TEST_CASE("a type without a circle is made at once")
{
    Graph graph;
    graph.add(ObjectKind::type, "range", true);
    graph.add(ObjectKind::function, "diff");
    graph.add(ObjectKind::function, "use");
    graph.needs("range", "diff", false);
    graph.needs("use", "range");
    CHECK(graph.order() == "diff range use");
}

TEST_CASE("types whose functions need each other")
{
    Graph graph;
    for (const char* name : {"a", "b"}) {
        const std::string type(name);
        graph.add(ObjectKind::type, type, true);
        graph.add(ObjectKind::function, type + "_in");
        graph.needs(type, type + "_in", false);
        graph.needs(type + "_in", type);
    }
    graph.needs("a_in", "b");
    graph.needs("b_in", "a");
    CHECK(graph.order() == "a:shell b:shell a_in a:completion b_in b:completion");
}

TEST_CASE("only functions get along with the shell of a type")
{
    Graph graph;
    graph.add(ObjectKind::type, "a", true);
    graph.add(ObjectKind::function, "a_in");
    graph.add(ObjectKind::domain, "d");
    graph.needs("a", "a_in", false);
    graph.needs("a_in", "a");
    graph.needs("a_in", "d");
    graph.needs("d", "a");
    const PgError error = expect_error("0A000", [&] { graph.order(); });
    CHECK(mentions(error, "type a"));
    CHECK(mentions(error, "domain d"));
    CHECK(mentions(error, "function a_in"));
}

TEST_CASE("two circular views")
{
    Graph graph;
    graph.add(ObjectKind::table, "t");
    graph.add(ObjectKind::view, "v", true);
    graph.add(ObjectKind::view, "w", true);
    graph.needs("v", "t", false);
    graph.needs("v", "w", false);
    graph.needs("w", "v", false);
    CHECK(graph.order() == "t v:shell w v:completion");
}

TEST_CASE("the view that has a shell gives way")
{
    Graph graph;
    graph.add(ObjectKind::function, "f");
    graph.add(ObjectKind::view, "u", true); // has a column of w's row type
    graph.add(ObjectKind::view, "w", true);
    graph.add(ObjectKind::materialized_view, "m");
    graph.needs("u", "w", true);
    graph.needs("w", "m", false);
    graph.needs("m", "f", false);
    graph.needs("f", "u");
    CHECK(graph.order() == "w:shell u f m w:completion");
}

TEST_CASE("no more shells than needed")
{
    // All three circles go through the view b.
    Graph graph;
    for (const char* name : {"a", "b", "c", "d"})
        graph.add(ObjectKind::view, name, true);
    for (const char* name : {"a", "c", "d"}) {
        graph.needs(name, "b", false);
        graph.needs("b", name, false);
    }
    CHECK(graph.order() == "b:shell a c d b:completion");
}

TEST_CASE("more than one shell where one is not enough")
{
    Graph graph;
    for (const char* name : {"a", "b", "c"})
        graph.add(ObjectKind::view, name, true);
    for (const char* name : {"a", "b", "c"})
        for (const char* other : {"a", "b", "c"})
            graph.needs(name, other, false);
    CHECK(graph.order() == "a:shell b:shell c b:completion a:completion");
}

TEST_CASE("views that each need what has no shell all get one")
{
    Graph graph;
    graph.add(ObjectKind::function, "f");
    for (const char* name : {"a", "b", "c"}) {
        graph.add(ObjectKind::view, name, true);
        graph.needs("f", name);
        graph.needs(name, "f", false);
    }
    graph.needs("a", "c", false);
    CHECK(graph.order() == "a:shell b:shell c:shell f a:completion b:completion c:completion");
}

TEST_CASE("the shells of one circle need each other's shells")
{
    Graph graph;
    graph.add(ObjectKind::function, "f");
    graph.add(ObjectKind::view, "v", true);
    graph.add(ObjectKind::view, "w", true); // has a column of v's row type
    for (const char* name : {"v", "w"}) {
        graph.needs("f", name);
        graph.needs(name, "f", false);
    }
    graph.needs("w", "v", true);
    CHECK(graph.order() == "v:shell w:shell f v:completion w:completion");
}

TEST_CASE("dependents outside of the circle wait for the whole view")
{
    Graph graph;
    graph.add(ObjectKind::function, "f"); // takes the view's row type; the view calls it
    graph.add(ObjectKind::function, "g"); // only takes the row type
    graph.add(ObjectKind::view, "v", true);
    graph.needs("f", "v");
    graph.needs("g", "v");
    graph.needs("v", "f", false);
    CHECK(graph.order() == "v:shell f v:completion g");
}

TEST_CASE("a table that uses the row type of a view that groups by a primary key")
{
    Graph graph;
    graph.add_table_with_key("t");
    graph.add(ObjectKind::table, "user");
    graph.add(ObjectKind::type, "color");
    graph.add(ObjectKind::view, "v", true);
    graph.add(ObjectKind::view, "w", true);
    graph.needs("v", "t", false);
    graph.needs("v", "t_pkey", false);
    graph.needs("v", "color");
    graph.needs("user", "v");
    graph.needs("w", "v", false);
    CHECK(graph.order() == "color t v:shell user | t_pkey v:completion w");

    SUBCASE("of the same table")
    {
        graph.needs("t", "v");
        CHECK(graph.order() == "color v:shell t user | t_pkey v:completion w");
    }
    SUBCASE("whose column is of the row type of another such view")
    {
        graph.add(ObjectKind::view, "x", true);
        graph.needs("v", "x", true);
        graph.needs("x", "t_pkey", false);
        CHECK(graph.order() == "color t x:shell v:shell user | t_pkey x:completion v:completion w");
    }
}

TEST_CASE("a function that a table needs gets along with the view's shell")
{
    Graph graph;
    graph.add_table_with_key("t");
    graph.add(ObjectKind::view, "v", true);
    graph.add(ObjectKind::function, "f"); // takes v's row type; in a generated column of g
    graph.add(ObjectKind::function, "h"); // takes v's row type
    graph.add(ObjectKind::table, "g");
    graph.add(ObjectKind::default_, "d"); // may wait
    graph.needs("v", "t_pkey", false);
    graph.needs("f", "v");
    graph.needs("h", "v");
    graph.needs("g", "f");
    graph.needs("d", "h");
    graph.needs("d", "g");
    CHECK(graph.order() == "t v:shell f g | t_pkey v:completion h d");
}

TEST_CASE("a table that needs what can only come after the data")
{
    Graph graph;
    graph.add_table_with_key("t");
    graph.add(ObjectKind::function, "f"); // has an SQL body that needs the primary key
    graph.add(ObjectKind::table, "g");
    graph.needs("f", "t_pkey");
    graph.needs("g", "f");
    const PgError error = expect_error("0A000", [&] { graph.order(); });
    CHECK(mentions(error, "table g, function f, constraint t_pkey."));
    CHECK_FALSE(mentions(error, "table t,"));
}

TEST_CASE("a circle that cannot be broken")
{
    Graph graph;
    graph.add(ObjectKind::function, "f");
    graph.add(ObjectKind::function, "g");
    graph.add(ObjectKind::table, "t");
    graph.add(ObjectKind::view, "v"); // has no shell
    graph.needs("f", "t");
    graph.needs("t", "g");
    graph.needs("g", "f");
    graph.needs("g", "v", false);
    graph.needs("v", "g", false);
    const PgError error = expect_error("0A000", [&] { graph.order(); });
    CHECK(mentions(error, "function f, table t, function g."));
    CHECK_FALSE(mentions(error, "view v"));
}

TEST_CASE("a view whose shell needs as much as the view is no help")
{
    Graph graph;
    graph.add(ObjectKind::view, "v", true);
    graph.add(ObjectKind::table, "t");
    graph.needs("v", "t");
    graph.needs("t", "v");
    const PgError error = expect_error("0A000", [&] { graph.order(); });
    CHECK(mentions(error, "table t, view v."));
    // The edge that says more counts.
    graph.needs("v", "t", false);
    expect_error("0A000", [&] { graph.order(); });
}

TEST_CASE("ten objects of a long circle are named")
{
    Graph graph;
    for (char name = 'a'; name <= 'z'; name++)
        graph.add(ObjectKind::function, std::string(1, name));
    for (char name = 'a'; name <= 'z'; name++)
        graph.needs(std::string(1, name), std::string(1, name == 'z' ? 'a' : char(name + 1)));
    const PgError error = expect_error("0A000", [&] { graph.order(); });
    CHECK(mentions(error, "function a, function b, "));
    CHECK(mentions(error, ", function j and 16 more."));
}

namespace {

// Any graph that has an order: needs that make circles go to shells only.
Graph random_graph(std::mt19937& random, int size)
{
    static constexpr ObjectKind kinds[] = {ObjectKind::function,   ObjectKind::table,
                                           ObjectKind::view,       ObjectKind::view,
                                           ObjectKind::constraint, ObjectKind::materialized_view,
                                           ObjectKind::default_,   ObjectKind::publication};
    const auto pick = [&random](int bound) { return static_cast<int>(random() % bound); };
    Graph graph;
    for (int i = 0; i < size; i++) {
        const ObjectKind kind = kinds[pick(std::size(kinds))];
        graph.add(kind, std::to_string(pick(3)) + "-" + std::to_string(i),
                  kind == ObjectKind::view);
    }
    for (int i = 0; i < 3 * size; i++) {
        const int object = pick(size);
        const int needed = pick(size);
        const ObjectNode& node = graph.nodes[object];
        const bool forward = needed < object;
        const bool stays_early = node.kind != ObjectKind::table;
        if (node.kind == ObjectKind::view && pick(2) == 0)
            graph.edges.push_back({node.id, graph.nodes[needed].id, false});
        else if (forward && (stays_early || graph.nodes[needed].kind == ObjectKind::view))
            graph.edges.push_back(
                {node.id, graph.nodes[needed].id,
                 node.kind != ObjectKind::view || graph.nodes[needed].kind == ObjectKind::view});
    }
    return graph;
}

} // namespace

TEST_CASE("orders keep the rules, whatever the order of nodes and edges")
{
    std::mt19937 random(20240607);
    int with_shells = 0;
    for (int round = 0; round < 300; round++) {
        CAPTURE(round);
        Graph graph = random_graph(random, 2 + round % 40);
        const std::vector<OrderedStep> order = order_objects(graph.nodes, graph.edges);
        graph.check(order);
        const std::string text = graph.order();
        with_shells += text.find(":shell") != std::string::npos ? 1 : 0;
        std::shuffle(graph.nodes.begin(), graph.nodes.end(), random);
        std::shuffle(graph.edges.begin(), graph.edges.end(), random);
        REQUIRE(graph.order() == text);
    }
    CHECK(with_shells > 100);
}

namespace {

constexpr auto generous = std::chrono::seconds(60); // instrumented, and not optimised

void check_large(const Graph& graph)
{
    const auto start = cpu_time();
    const std::vector<OrderedStep> order = order_objects(graph.nodes, graph.edges);
    const auto took = cpu_time() - start;
    CHECK(took < generous);
    CHECK(order.size() >= graph.nodes.size());
}

Graph large_graph(ObjectKind kind, std::uint32_t size)
{
    Graph graph;
    for (std::uint32_t i = 0; i < size; i++)
        graph.nodes.push_back({{7, i}, kind, "", kind == ObjectKind::view});
    return graph;
}

} // namespace

TEST_CASE("100,000 objects with 500,000 edges")
{
    Graph graph = large_graph(ObjectKind::table, 100000);
    std::mt19937 random(1);
    for (std::uint32_t i = 0; i < 500000; i++) {
        const std::uint32_t object = 1 + random() % 99999;
        graph.edges.push_back({{7, object}, {7, static_cast<std::uint32_t>(random() % object)}});
    }
    check_large(graph);
}

TEST_CASE("a chain of 100,000 views, and a ring of them")
{
    Graph graph = large_graph(ObjectKind::view, 100000);
    for (std::uint32_t i = 1; i < 100000; i++)
        graph.edges.push_back({{7, i - 1}, {7, i}, false});
    check_large(graph);
    graph.edges.push_back({{7, 99999}, {7, 0}, false});
    check_large(graph);
}

TEST_CASE("50,000 circles of two views")
{
    Graph graph = large_graph(ObjectKind::view, 100000);
    for (std::uint32_t i = 0; i < 100000; i++)
        graph.edges.push_back({{7, i}, {7, i ^ 1U}, false});
    check_large(graph);
}

TEST_CASE("50,000 views in circles with one function")
{
    Graph graph = large_graph(ObjectKind::view, 50001);
    graph.nodes[0].kind = ObjectKind::function;
    graph.nodes[0].has_shell = false;
    for (std::uint32_t i = 1; i <= 50000; i++) {
        graph.edges.push_back({{7, 0}, {7, i}, false});
        graph.edges.push_back({{7, i}, {7, 0}, false});
    }
    check_large(graph);
}

TEST_CASE("20,000 views, each in circles with both of its neighbours")
{
    Graph graph = large_graph(ObjectKind::view, 20000);
    for (std::uint32_t i = 1; i < 20000; i++) {
        graph.edges.push_back({{7, i - 1}, {7, i}, false});
        graph.edges.push_back({{7, i}, {7, i - 1}, false});
    }
    check_large(graph);
}

TEST_CASE("a ring of 100,000 functions cannot be broken")
{
    Graph graph = large_graph(ObjectKind::function, 100000);
    for (std::uint32_t i = 0; i < 100000; i++)
        graph.edges.push_back({{7, i}, {7, (i + 1) % 100000}, false});
    const auto start = cpu_time();
    const PgError error = expect_error("0A000", [&] { order_objects(graph.nodes, graph.edges); });
    CHECK(mentions(error, "99990 more"));
    CHECK(cpu_time() - start < generous);
}

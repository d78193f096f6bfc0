// The order in which objects are made: a topological sort over their dependencies, which breaks
// cycles as pg_dump does, with shells of views and types. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/catalog_object.hpp"

namespace pgclone {

struct ObjectEdge {
    ObjectId object;
    ObjectId needs;
    bool of_shell = true; // already the shell of `object` needs it
};

// What the sort has to know about an object.
struct ObjectNode {
    ObjectId id;
    ObjectKind kind = ObjectKind::table;
    std::string sort_key; // among equals; messages show it after the kind: "schema"."name"
    bool has_shell = false;
    bool is_late = false; // comes after the data, whatever its kind says
};

enum class StepForm {
    whole,
    shell,      // the form that needs less, because something in a cycle needs it early
    completion, // of an object whose shell was made before
};

struct OrderedStep {
    std::size_t node; // index into the nodes given
    StepForm form = StepForm::whole;
    ObjectSection section = ObjectSection::before_data;

    bool operator==(const OrderedStep&) const = default;
};

// All nodes, each after what it needs; sections in order. An object goes into its kind's section,
// or a later one if something that it needs is there (a view that groups by a primary key); an
// object that must precede the data, and what it needs, then get along with the view's shell.
// The shell of a type is for functions and procedures only, that of a view for all.
// Edges to or from what is no node, and of a node to itself, are passed over. Deterministic,
// whatever the order of nodes and edges: a completion comes as soon as it can; among what else
// could come next the kind's place in ObjectKind decides, then sort_key, then the id.
// Raises 0A000 that lists objects of a cycle that cannot be broken, or the way from one that must
// precede the data to one that cannot (at most 10).
std::vector<OrderedStep> order_objects(const std::vector<ObjectNode>& nodes,
                                       const std::vector<ObjectEdge>& edges);

} // namespace pgclone

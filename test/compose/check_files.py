#!/usr/bin/python3
"""Checks of compose/ that need no container engine: check_files.py CHECK

Prints what is wrong, a finding a line. CHECK is one of

  compose      compose.yaml: known keys, files that exist, profiles, variables, ports, health checks
  dockerfile   Dockerfile: stages, sources of COPY, arguments
  metrics      queries.yaml and the rules and panels that use its metrics
  dashboard    Grafana's dashboard and its provisioning

  sql FOLDER   writes each SQL query of the dashboard and of queries.yaml to a file of its own, with
               Grafana's macros replaced, and what is expected of its columns beside it

The repository is the current folder.
"""
import json
import os
import re
import sys

import yaml

MAJORS = range(14, 20)
findings = []


def finding(*words):
    findings.append(" ".join(str(word) for word in words))


class Loader(yaml.SafeLoader):
    """YAML's last word on a key that comes twice would be the second value."""


def mapping(loader, node, deep=False):
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            finding(f"line {key.start_mark.line + 1}: {key.value} twice")
        if key.value != "<<":
            seen.add(key.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def load(path):
    with open(path, encoding="utf-8") as file:
        if path.endswith(".json"):
            return json.load(file)
        return yaml.load(file, Loader)


def texts(value):
    """All strings in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


def variables_of(path):
    """Names in .env.example -> whether they must be set (a line that is no comment)."""
    names = {}
    for line in open(path, encoding="utf-8"):
        match = re.match(r"(#?)([A-Z][A-Z0-9_]*)=", line)
        if match:
            names[match[2]] = not match[1]
    return names


# --- compose.yaml

SERVICE_KEYS = {
    "build", "cap_add", "command", "depends_on", "entrypoint", "environment", "healthcheck", "image", "init",
    "ports", "profiles", "restart", "security_opt", "shm_size", "volumes",
}
BUILD_KEYS = {"args", "context", "dockerfile", "target"}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_]\w*)(?:(:?[-?])([^}]*))?\}|([A-Za-z_]\w*))")


def check_variables(document):
    known = variables_of("compose/.env.example")
    used = set()
    for text in texts(document):
        for name, operator, _, bare in VARIABLE.findall(text):
            if bare:
                finding(f"${bare}: write ${{{bare}}}")
            if not name:
                continue
            used.add(name)
            if name not in known:
                finding(f"{name} is not in .env.example")
            elif known[name] != operator.endswith("?"):
                finding(f"{name}: .env.example has {'no ' if known[name] else 'a '}default, compose.yaml does not agree")
    for name in set(known) - used:
        finding(f"{name} of .env.example is not used")
    for line in open("compose/.env.example", encoding="utf-8"):
        if re.match(r"[A-Z_]*PASSWORD=\S", line):
            finding(f".env.example has a password: {line.strip()}")


def check_build(name, build, stages):
    for key in set(build) - BUILD_KEYS:
        finding(f"{name}: build.{key} is not known here")
    context = os.path.normpath(os.path.join("compose", build["context"]))
    dockerfile = os.path.join(context, build["dockerfile"])
    if not os.path.samefile(dockerfile, "compose/Dockerfile"):
        finding(f"{name}: {dockerfile} is not the Dockerfile")
    if build.get("target") not in stages:
        finding(f"{name}: the Dockerfile has no stage {build.get('target')}")
    for argument in build.get("args", {}):
        if argument not in {word for stage in [None, *stages] for word in stages_arguments[stage]}:
            finding(f"{name}: the Dockerfile has no argument {argument}")


def check_service(name, service, services, stages):
    for key in set(service) - SERVICE_KEYS:
        finding(f"{name}: {key} is not known here")
    for key in ("image", "profiles"):
        if not service.get(key):
            finding(f"{name}: no {key}")
    if "build" in service:
        check_build(name, service["build"], stages)
    for key in set(service.get("healthcheck", {})) - HEALTH_KEYS:
        finding(f"{name}: healthcheck.{key} is not known here")
    for key, value in service.get("environment", {}).items():
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            finding(f"{name}: environment.{key} is not a text: {value!r}")
    for volume in service.get("volumes", []):
        source, target, *mode = volume.split(":")
        path = os.path.normpath(os.path.join("compose", source))
        if not os.path.exists(path):
            finding(f"{name}: there is no {path}")
        elif target.endswith(".sh") and not os.access(path, os.X_OK):
            finding(f"{name}: {path} is not executable")
        if not target.startswith("/") or mode != ["ro"]:
            finding(f"{name}: not a read-only mount: {volume}")
    for port in service.get("ports", []):
        if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port):
            finding(f"{name}: port {port} is not of the loopback interface")
    needed = service.get("depends_on", {})
    for other in needed:
        if other not in services:
            finding(f"{name}: depends on {other}, which there is not")
            continue
        missing = set(service["profiles"]) - set(services[other]["profiles"])
        if missing:
            finding(f"{name}: {other} is not in profile {missing}")
        if isinstance(needed, dict):
            condition = needed[other].get("condition")
            if condition not in ("service_healthy", "service_started", "service_completed_successfully"):
                finding(f"{name}: depends on {other} being {condition}")
            elif condition == "service_healthy" and "healthcheck" not in services[other]:
                finding(f"{name}: {other} has no health check")


def check_compose():
    document = load("compose/compose.yaml")
    stages = read_stages()
    services = document["services"]
    check_variables(document)
    for key in document:
        if key not in ("name", "services") and not key.startswith("x-"):
            finding(f"{key} is not known here")
    for name, service in services.items():
        check_service(name, service, services, stages)
    ports = [port.split(":")[1] for service in services.values() for port in service.get("ports", [])]
    for port in {port for port in ports if ports.count(port) > 1}:
        finding(f"port {port} twice")
    for major in MAJORS:
        for kind in ("source", "target"):
            service = services.get(f"{kind}-{major}")
            if not service:
                finding(f"there is no {kind}-{major}")
            elif f"pg{major}" not in service["profiles"] or "healthcheck" not in service:
                finding(f"{kind}-{major}: not in profile pg{major}, or no health check")
        arguments = services[f"target-{major}"]["build"]["args"]
        if str(arguments["PG_MAJOR"]) != str(major):
            finding(f"target-{major} is built for {arguments['PG_MAJOR']}")
        if str(arguments["PG_TAG"]) != services[f"source-{major}"]["image"].split(":", 1)[1]:
            finding(f"target-{major} and source-{major} are not of one tag")
        if services[f"target-{major}"]["environment"].get("SOURCE_HOST") != f"source-{major}":
            finding(f"target-{major} has another source")


# --- Dockerfile

INSTRUCTIONS = {"ARG", "CMD", "COPY", "FROM", "RUN", "WORKDIR"}
stages_arguments = {}


def instructions():
    """Pairs of instruction and its text; lines that go on are joined."""
    text = open("compose/Dockerfile", encoding="utf-8").read()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def read_stages():
    """Names of stages -> image; fills stages_arguments (None: before the first)."""
    stages = {}
    current = None
    stages_arguments.clear()
    stages_arguments[None] = {}
    for word, rest in instructions():
        if word == "FROM":
            image, _, current = re.fullmatch(r"(\S+)(\s+AS\s+(\S+))?", rest).groups()
            stages[current] = image
            stages_arguments[current] = {}
        elif word == "ARG":
            name, _, default = rest.partition("=")
            stages_arguments[current][name] = default
    return stages


def ignored(path):
    """By Dockerfile.dockerignore: the few kinds of patterns that are in it."""
    for line in open("compose/Dockerfile.dockerignore", encoding="utf-8"):
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            regex = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
            if re.fullmatch(regex + "(?:/.*)?", path.rstrip("/")):
                return True
    return False


def check_dockerfile():
    stages = read_stages()
    earlier = []
    current = None
    for word, rest in instructions():
        if word not in INSTRUCTIONS:
            finding(f"{word} is not known here")
        if word == "FROM":
            image, _, current = re.fullmatch(r"(\S+)(\s+AS\s+(\S+))?", rest).groups()
            for name in re.findall(r"\$\{(\w+)\}", image):
                if name not in stages_arguments[None]:
                    finding(f"FROM {image}: no ARG {name} before the first FROM")
            if ":" not in image:
                finding(f"FROM {image}: no tag")
            earlier.append(current)
        elif word == "COPY":
            check_copy(rest, stages, earlier[:-1])
        elif word in ("CMD",) and not isinstance(json.loads(rest), list):
            finding(f"{word} {rest}: not an array")
        elif word == "RUN":
            assigned = set(re.findall(r"\b(\w+)=", rest))
            for name in re.findall(r"\$\{?([A-Za-z_]\w*)\}?", rest):
                if name not in stages_arguments[current] and name not in assigned:
                    finding(f"{current}: ${name} is neither an ARG of this stage nor set in the command")
            for command in re.findall(r"apt-get install[^;&]*", rest):
                if "-y" not in command or "--no-install-recommends" not in command:
                    finding(f"{current}: {command}")
            if ("apt-get install" in rest or "install_packages" in rest) and "rm -rf /var/lib/apt/lists" not in rest:
                finding(f"{current}: apt's lists stay in the layer")
    for name in ("build", "server", "test"):
        if name not in stages:
            finding(f"there is no stage {name}")


def check_copy(rest, stages, earlier):
    words = rest.split()
    source_stage = [word[len("--from="):] for word in words if word.startswith("--from=")]
    *sources, target = [word for word in words if not word.startswith("--")]
    if source_stage:
        if source_stage[0] not in stages or source_stage[0] not in earlier:
            finding(f"COPY {rest}: no earlier stage {source_stage[0]}")
        return
    for source in sources:
        if not os.path.exists(source):
            finding(f"COPY {rest}: there is no {source}")
        elif ignored(source):
            finding(f"COPY {rest}: {source} is in Dockerfile.dockerignore")
    if len(sources) > 1 and not target.endswith("/"):
        finding(f"COPY {rest}: {target} is no folder")


# --- Metrics

USAGES = {"LABEL", "GAUGE", "COUNTER"}


def metrics():
    """Metric name -> its labels."""
    found = {}
    for name, entry in load("compose/prometheus/queries.yaml").items():
        columns = {column: rule for line in entry["metrics"] for column, rule in line.items()}
        labels = {column for column, rule in columns.items() if rule["usage"] == "LABEL"}
        for column in set(columns) - labels:
            found[f"{name}_{column}"] = labels
    return found


def check_expression(where, expression, known):
    for name in re.findall(r"\bpgclone_\w+", expression):
        if name not in known:
            finding(f"{where}: there is no metric {name}")
            continue
        for selector in re.findall(name + r"\{([^}]*)\}", expression):
            for label in re.findall(r"(\w+)\s*[=!]", selector):
                if label not in known[name]:
                    finding(f"{where}: {name} has no label {label}")
    if expression.count("(") != expression.count(")"):
        finding(f"{where}: parentheses of {expression}")


def check_metrics():
    for name, entry in load("compose/prometheus/queries.yaml").items():
        if set(entry) - {"query", "metrics", "master", "cache_seconds"}:
            finding(f"{name}: unknown keys {set(entry)}")
        if not re.fullmatch(r"pgclone_[a-z_]+|pgclone", name):
            finding(f"{name}: not a name of ours")
        for line in entry["metrics"]:
            for column, rule in line.items():
                if len(line) != 1 or set(rule) != {"usage", "description"} or rule["usage"] not in USAGES:
                    finding(f"{name}: {line}")
    known = metrics()
    for group in load("compose/prometheus/alerts.yaml")["groups"]:
        for rule in group["rules"]:
            check_expression(rule["alert"], rule["expr"], known)
            for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
                if not all(label in known.get(name, {label}) for name in re.findall(r"\bpgclone_\w+", rule["expr"])):
                    finding(f"{rule['alert']}: no label {label}")
    for panel, target in panel_targets():
        if target["datasource"]["type"] == "prometheus":
            check_expression(panel["title"], target["expr"], known)
    prometheus = load("compose/prometheus/prometheus.yaml")
    services = load("compose/compose.yaml")["services"]
    for job in prometheus["scrape_configs"]:
        for target in job["static_configs"][0]["targets"]:
            if target.split(":")[0] not in services:
                finding(f"prometheus.yaml: there is no service {target}")
    for file in prometheus["rule_files"]:
        if not any(f"/etc/prometheus/{file}" in volume for volume in services["prometheus"]["volumes"]):
            finding(f"prometheus.yaml: {file} is not mounted")


# --- The dashboard

DASHBOARD = "compose/grafana/dashboards/pgclone.json"
PANELS = {"stat", "table", "bargauge", "timeseries", "state-timeline"}


def panel_targets():
    for panel in load(DASHBOARD)["panels"]:
        for target in panel["targets"]:
            yield panel, target


def check_dashboard():
    dashboard = load(DASHBOARD)
    sources = {
        source["uid"]: {"postgres": "grafana-postgresql-datasource"}.get(source["type"], source["type"])
        for source in load("compose/grafana/provisioning/datasources/pgclone.yaml")["datasources"]
    }
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    if len(set(identifiers)) != len(identifiers):
        finding("panels have the same id")
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    taken = {}
    for panel in dashboard["panels"]:
        if panel["type"] not in PANELS:
            finding(f"{panel['title']}: type {panel['type']}")
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            finding(f"{panel['title']}: is wider than the page")
        for cell in [(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])]:
            if cell in taken:
                finding(f"{panel['title']} lies on {taken[cell]}")
                break
            taken[cell] = panel["title"]
    for panel, target in panel_targets():
        source = target["datasource"]
        if sources.get(source["uid"]) != source["type"]:
            finding(f"{panel['title']}: data source {source}")
        text = target.get("rawSql", target.get("expr", ""))
        for name in re.findall(r"\$(?!__)(\w+)", text):
            if name not in variables:
                finding(f"{panel['title']}: there is no variable {name}")
    compose = load("compose/compose.yaml")["services"]["grafana"]
    folder = load("compose/grafana/provisioning/dashboards/pgclone.yaml")["providers"][0]["options"]["path"]
    if not any(f":{folder}:" in volume for volume in compose["volumes"]):
        finding(f"{folder} is not mounted")
    provisioning = load("compose/grafana/provisioning/datasources/pgclone.yaml")
    for text in texts(provisioning):
        for name in re.findall(r"\$\{(\w+)\}", text):
            if name not in compose["environment"]:
                finding(f"datasources/pgclone.yaml: Grafana has no variable {name}")


# --- SQL

def replace_macros(text):
    text = re.sub(r"\$__timeFilter\(([^)]+)\)", r"\1 BETWEEN now() - interval '1 hour' AND now()", text)
    text = re.sub(r"\$__timeGroup\(([^,]+),\s*\$__interval\)", r"floor(extract(epoch FROM \1) / 60) * 60", text)
    return text.replace("$job", "1")


def write_sql(folder):
    """Line by line in FOLDER/list: file, name, and the columns that are expected (name=L or name=V)."""
    queries = []
    for panel, target in panel_targets():
        if "rawSql" in target:
            queries.append((f"panel {panel['title']}", target["rawSql"], ["time=T"] if target["format"] == "time_series" else []))
    for variable in load(DASHBOARD)["templating"]["list"]:
        queries.append((f"variable {variable['name']}", variable["query"], []))
    for name, entry in load("compose/prometheus/queries.yaml").items():
        columns = {column: rule for line in entry["metrics"] for column, rule in line.items()}
        queries.append((f"metric {name}", entry["query"],
                        [f"{column}={'L' if rule['usage'] == 'LABEL' else 'V'}" for column, rule in columns.items()]))
    with open(f"{folder}/list", "w", encoding="utf-8") as listing:
        for number, (name, text, columns) in enumerate(queries):
            text = replace_macros(text).strip().rstrip(";")
            if "$" in text.replace("$1", ""):
                finding(f"{name}: a macro that is not known here: {text}")
            with open(f"{folder}/{number}.sql", "w", encoding="utf-8") as file:
                file.write(text + "\n")
            listing.write(f"{number}\t{name}\t{' '.join(columns)}\n")


CHECKS = {"compose": check_compose, "dockerfile": check_dockerfile, "metrics": check_metrics, "dashboard": check_dashboard}

if __name__ == "__main__":
    if sys.argv[1:2] == ["sql"]:
        write_sql(sys.argv[2])
    else:
        CHECKS[sys.argv[1]]()
    print("\n".join(findings), end="\n" if findings else "")

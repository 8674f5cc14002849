//! The description says what the routes are and what they answer.

use super::*;
use crate::http::page;

fn description() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

/// What of a value is not as its schema has it. As much of JSON Schema as the description uses; beyond that, an
/// object has no fields that its schema does not name.
fn misfit(all: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = all.pointer(name.trim_start_matches('#'));
        return misfit(all, schema.expect("a schema of this name"), value);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    let listed = schema["enum"].as_array();
    let right = kinds.contains(&kind)
        && listed.is_none_or(|listed| listed.contains(value))
        && schema.get("const").is_none_or(|only| only == value);
    if !right {
        return Some(format!("{value} is not {schema}"));
    }
    if let Value::Array(items) = value {
        let items = items.iter();
        return items
            .filter_map(|item| misfit(all, &schema["items"], item))
            .next();
    }
    let (Value::Object(fields), Some(known)) = (value, schema["properties"].as_object()) else {
        return None;
    };
    let required = schema["required"].as_array().into_iter().flatten();
    let missing = required
        .filter_map(Value::as_str)
        .find(|name| !fields.contains_key(*name));
    if let Some(missing) = missing {
        return Some(format!("{value} lacks {missing}"));
    }
    fields
        .iter()
        .find_map(|(name, field)| match known.get(name) {
            Some(schema) => misfit(all, schema, field),
            None => Some(format!("{name} is not in {schema}")),
        })
}

/// The schema of an answer.
fn schema<'a>(all: &'a Value, path: &str, method: &str, status: u16) -> &'a Value {
    let answer = &all["paths"][path][method]["responses"][status.to_string()];
    let contents = answer["content"].as_object().expect("a documented answer");
    &contents.values().next().expect("one kind of contents")["schema"]
}

#[test]
fn it_has_all_routes_and_no_others() {
    let source = include_str!("../mod.rs");
    let routes = source.split(".route(").skip(1);
    let mut routes: Vec<&str> = routes.filter_map(|rest| rest.split('"').nth(1)).collect();
    routes.extend(page::paths().filter(|path| !path.starts_with("/assets/")));
    routes.sort_unstable();
    let description = description();
    let mut described: Vec<&str> = description["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    described.sort_unstable();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn answers_are_as_it_says() {
    let all = description();
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, true);
    let fits = |path: &str, method: &str, (status, value): (u16, Value)| {
        let misfit = misfit(&all, schema(&all, path, method, status), &value);
        assert_eq!(misfit, None, "{method} {path}: {status} {value}");
        status
    };
    let submitted = answer(f.post("").body("value")).await;
    assert_eq!(fits("/v1/values", "post", submitted), 202);
    let decided = answer(
        f.post("?wait=alice")
            .body("another")
            .header("idempotency-key", "k"),
    )
    .await;
    assert_eq!(fits("/v1/values", "post", decided), 200);
    let many = |query, body: &[u8]| {
        let many = f.post(&format!("/many{query}"));
        answer(many.body(body.to_vec()))
    };
    let path = "/v1/values/many";
    let two = b"\0\x01\0\0\0a\x01k\x01\0\0\0b";
    assert_eq!(fits(path, "post", many("", two).await), 202);
    assert_eq!(fits(path, "post", many("?wait=alice", two).await), 200);
    assert_eq!(fits(path, "post", many("", b"\0").await), 400);
    let refused = answer(f.post("?wait=nobody").body("value")).await;
    assert_eq!(fits("/v1/values", "post", refused), 400);
    f.view.set_status(Status {
        patience: vec![Duration::from_secs(1)],
        ..Status::default()
    });
    f.view.given_up(&GivenUp {
        ballot: Ballot(1),
        next: Ballot(2),
        why: Why::Others,
    });
    for path in ["/v1/status", "/v1/graph", "/v1/evidence"] {
        assert_eq!(fits(path, "get", answer(f.get(path)).await), 200);
    }
    let path = "/v1/graph/analysis";
    for (query, status) in [
        ("", 200),
        ("?crashed=a1&byzantine=a2", 200),
        ("?crashed=x", 400),
    ] {
        let analysis = answer(f.get(&format!("{path}{query}"))).await;
        assert_eq!(fits(path, "get", analysis), status);
    }
    let path = "/v1/learners/{learner}/decisions";
    let decisions = answer(f.get("/v1/learners/alice/decisions")).await;
    assert_eq!(decisions.1["decisions"].as_array().unwrap().len(), 3);
    assert_eq!(fits(path, "get", decisions), 200);
    assert_eq!(
        fits(
            path,
            "get",
            answer(f.get("/v1/learners/zoe/decisions")).await
        ),
        404
    );
    let path = "/v1/decisions/{learner}/{slot}/certificate";
    assert_eq!(
        fits(
            path,
            "get",
            answer(f.get("/v1/decisions/alice/x/certificate")).await
        ),
        400
    );
}

#[test]
fn a_misfit_is_noticed() {
    let all = description();
    let schema = json!({"$ref": "#/components/schemas/Accepted"});
    let id = "0".repeat(64);
    let good = json!({"decided": false, "id": id});
    assert_eq!(misfit(&all, &schema, &good), None);
    for bad in [
        json!({"decided": true, "id": id}),
        json!({"decided": false}),
        json!({"decided": false, "id": 1}),
        json!({"decided": false, "id": id, "more": 1}),
    ] {
        assert!(misfit(&all, &schema, &bad).is_some(), "{bad}");
    }
}

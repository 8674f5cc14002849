//! Who leads, as nodes tell.

use super::NodeClient;
use serde_json::Value as Json;

/// What a node's status says about who leads: the highest ballot that it knows of, and its owner. `None`
/// if it knows of none, or does not say.
#[must_use]
pub fn told(status: &Json) -> Option<(u64, String)> {
    let leader = status["leader"].as_str()?;
    Some((status["ballot"].as_u64()?, leader.to_owned()))
}

/// The name of the node that owns the highest ballot that any of these nodes knows of. Those that do not
/// answer know nothing.
pub async fn leader(nodes: &[NodeClient]) -> Option<String> {
    let statuses = nodes.iter().map(|node| node.get("/v1/status"));
    let statuses = futures::future::join_all(statuses).await;
    let known = statuses.iter().flatten().filter_map(told);
    known.max().map(|(_, leader)| leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_does_not_know_says_nothing() {
        let status = json!({"ballot": 3, "leader": "n2"});
        assert_eq!(told(&status), Some((3, "n2".to_owned())));
        assert_eq!(told(&json!({"ballot": 0, "leader": null})), None);
        assert_eq!(told(&json!({"phase": "starting"})), None);
    }
}

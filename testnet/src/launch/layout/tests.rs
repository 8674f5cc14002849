use super::*;

fn layout(acceptors: usize, nodes: usize) -> Result<Layout, Failure> {
    let text = learner_graph::builtin(acceptors);
    let (graph, _) = learner_graph::parse_graph(&text).expect("the built-in graph is valid");
    Layout::new(Mode::Hpaxos, text, &graph, nodes)
}

/// What nodes make of a layout's configuration.
fn accepted(layout: &Layout) -> node::Config {
    let keypair = |at: u8| {
        crypto::Keypair::from_seed([at + 1; 32])
            .public()
            .to_string()
    };
    let n = layout.nodes.len();
    let keys: Vec<String> = (0..).take(n).map(keypair).collect();
    let ports = |i: u16| Ports {
        peers: 9000 + i,
        http: 0,
    };
    let ports: Vec<Ports> = (0..).take(n).map(ports).collect();
    let text = layout.config(&keys, &ports, |_| None).expect("TOML");
    let config = node::Config::parse(&text, "dir/network.toml").expect("accepted");
    assert_eq!((config.mode, config.nodes.len()), (layout.mode, n));
    for (node, plan) in config.nodes.iter().zip(&layout.nodes) {
        assert_eq!(node.roles(), plan.roles(), "{}", plan.name);
        let learners = node.learners.iter();
        let graph = config.network.graph();
        let names: Vec<&str> = learners.map(|l| graph.learner_name(*l)).collect();
        assert_eq!(names, plan.learners, "{}", plan.name);
    }
    config
}

#[test]
fn nodes_beyond_the_acceptors_only_learn() {
    let layout = layout(4, 5).expect("enough nodes");
    assert_eq!(layout.nodes[3].acceptor.as_deref(), Some("a4"));
    assert_eq!(layout.nodes[4].acceptor, None);
    assert_eq!(layout.nodes[4].roles(), ["learner"]);
    assert_eq!(layout.nodes[4].learners, ["alice", "bob", "carol"]);
    assert_eq!(layout.place("n5").expect("exists"), 4);
    assert!(
        layout
            .place("n6")
            .expect_err("does not")
            .to_string()
            .contains("n1 to n5")
    );
}

#[test]
fn too_few_nodes_are_refused() {
    let error = layout(4, 3).expect_err("three nodes for four acceptors");
    assert_eq!(error.code(), 2);
    assert!(error.to_string().contains("4 acceptors"));
}

#[test]
fn the_configuration_is_one_that_nodes_accept() {
    let mut layout = layout(4, 5).expect("enough nodes");
    layout.nodes[3].byzantine = Some(Byzantine::DoubleVote);
    layout.patience_ms = Some(321);
    let config = accepted(&layout);
    assert_eq!(config.limits.patience_ms, 321);
    assert!(config.nodes[3].byzantine.is_some() && config.nodes[0].byzantine.is_none());
    assert!(config.nodes[0].proposer && !config.nodes[4].proposer);
}

fn of_quorums(mode: Mode, text: &str, nodes: usize) -> Layout {
    let look = node::config::look(text, "test.toml", mode);
    let quorums = look.quorums.expect("quorums");
    let names = (0..nodes).map(node_name).collect();
    let graph = quorums.network(names).expect("few learners");
    Layout::new(mode, text.to_owned(), &graph, nodes).expect("enough nodes")
}

#[test]
fn paxos_nodes_play_all_roles_but_those_beyond_the_acceptors() {
    let text = "acceptors = [\"x\", \"y\", \"z\"]\n[quorums]\nread = \"x\"\nwrite = \"x\"\n";
    let layout = of_quorums(Mode::Paxos, text, 4);
    assert_eq!(layout.nodes[2].acceptor.as_deref(), Some("z"));
    assert_eq!(layout.nodes[3].roles(), ["learner"]);
    let config = accepted(&layout);
    let read = config.read_quorums.expect("read quorums");
    assert!(read.is_quorum(
        learner_graph::LearnerId(0),
        &learner_graph::AcceptorSet::first(1)
    ));
}

#[test]
fn disks_are_files_of_the_directory_and_all_nodes_processors() {
    let text = "[disks.d1]\npath = \"disks/d1\"\n[disks.d2]\npath = \"disks/d2\"\n";
    let layout = of_quorums(Mode::DiskPaxos, text, 3);
    assert_eq!(layout.nodes[2].roles(), ["processor", "learner"]);
    assert_eq!(layout.victim("d2").expect("exists"), Victim::Disk(1));
    assert_eq!(layout.victim("n2").expect("exists"), Victim::Node(1));
    let error = layout.victim("d3").expect_err("does not").to_string();
    assert!(error.contains("n1 to n3, the disks d1 to d2"), "{error}");
    let disks = accepted(&layout).disks.expect("disks").disks;
    let places: Vec<String> = disks.iter().map(|d| d.location.to_string()).collect();
    assert_eq!(places, ["dir/disks/d1", "dir/disks/d2"]);
}

//! One browser window.

use super::support::DEADLINE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Keys as WebDriver names them.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const LEFT: &str = "\u{e012}";

/// One browser window.
pub(crate) struct Browser {
    driver: Child,
    client: reqwest::Client,
    session: String,
}

impl Browser {
    pub(crate) async fn open(dark: bool) -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver, which .ci/page installs");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let port = line.split("successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let driver_url = format!("http://127.0.0.1:{}/session", port.expect("a port"));
        let mut browser = Browser {
            driver,
            client: hpaxos_client::http_client().build().unwrap(),
            session: driver_url,
        };
        let mut args = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1100,1500",
        ];
        args.extend(dark.then_some("--force-dark-mode"));
        let session = browser
            .post(
                "",
                json!({"capabilities": {"alwaysMatch": {
                    "goog:chromeOptions": {"args": args},
                    "goog:loggingPrefs": {"browser": "SEVERE"},
                    "timeouts": {"script": DEADLINE.as_millis() as u64},
                }}}),
            )
            .await;
        browser.session += &format!("/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    pub(crate) async fn post(&self, path: &str, body: Json) -> Json {
        let url = format!("{}{path}", self.session);
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        let mut answer: Json = answer.json().await.unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{value}");
        value
    }

    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Waits in the page until an expression is true.
    pub(crate) async fn until(&self, condition: &str) {
        let script = format!(
            "const done = arguments[0]; (function look() {{ ({condition}) ? done() : setTimeout(look, 20); }})();"
        );
        let body = json!({"script": script, "args": []});
        self.post("/execute/async", body).await;
    }

    /// Waits until an element has these words in it.
    pub(crate) async fn shows(&self, id: &str, words: &str) {
        let text = format!("document.getElementById('{id}').textContent");
        self.until(&format!("{text}.includes('{words}')")).await;
    }

    /// Presses what fits a selector, once it is there.
    pub(crate) async fn click(&self, selector: &str) {
        let element = format!("document.querySelector('{selector}')");
        self.until(&element).await;
        self.eval(&format!("{element}.click()")).await;
    }

    pub(crate) async fn eval(&self, expression: &str) -> Json {
        let body = json!({"script": format!("return {expression};"), "args": []});
        self.post("/execute/sync", body).await
    }

    /// Leaves a picture for the README, if one is asked for.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os("SCREENSHOTS") else {
            return;
        };
        self.until("document.getAnimations().every(a => a.playState !== 'running')")
            .await;
        let url = format!("{}/screenshot", self.session);
        let answer: Json = self
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let picture = STANDARD.decode(answer["value"].as_str().unwrap()).unwrap();
        let path = std::path::Path::new(&directory).join(name);
        std::fs::write(path, picture).unwrap();
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: &str) {
        let actions = ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key}));
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("/actions", json!({"actions": [keyboard]})).await;
    }

    /// Makes the window one of a phone.
    pub(crate) async fn phone(&self) {
        let phone = json!({"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true});
        self.screen(phone).await;
    }

    /// Makes the window so large.
    pub(crate) async fn window(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.screen(size).await;
    }

    /// Makes the window so high that all of a page is in a picture of it.
    pub(crate) async fn high(&self, height: u32) {
        let high =
            json!({"width": 1100, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.screen(high).await;
    }

    async fn screen(&self, screen: Json) {
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": screen});
        self.post("/goog/cdp/execute", command).await;
    }

    /// What went wrong in the page.
    pub(crate) async fn errors(&self) -> Json {
        self.post("/se/log", json!({"type": "browser"})).await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without that, Chromium outlives its driver.
        if let Some((address, path)) = self.session["http://".len()..].split_once('/')
            && let Ok(mut stream) = TcpStream::connect(address)
        {
            let request = format!("DELETE /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            let _ = stream.write_all(request.as_bytes());
            // The answer comes when it is gone.
            let _ = stream.read(&mut [0; 1]);
        }
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.driver),
            Signal::TERM,
        );
        let _ = self.driver.wait();
    }
}

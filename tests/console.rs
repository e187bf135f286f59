//! The balance from a provider's own page, in a real Chromium, against a site that behaves as such sites do.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mecris::domain::console::accept;
use mecris::domain::money::Picodollars;
use mecris::integration::console::read::import_cookies;
use mecris::integration::console::{ConsoleError, Limits, Profile, Recipe, cookies, read};
use serde_json::Value;

use crate::support::outside::console::{Mood, PERSON, SESSION, Site};
use crate::support::program::{Home, everything_below};

#[path = "console/reach.rs"]
mod reach;

/// Tests may run as root, as they do in a container.
const LIMITS: Limits = Limits { memory_mib: 2048, page_seconds: 5, as_root: true };

fn recipe(site: &Site) -> Recipe {
    Recipe::parse(&site.recipe(), "site.toml").unwrap()
}

/// A profile in which somebody is logged in.
async fn logged_in(dir: &Path, recipe: &Recipe) -> Profile {
    let profile = Profile::lock(dir, "anthropic").unwrap();
    let read = cookies::parse(&Site::cookies(), recipe, Timestamp::now()).unwrap();
    import_cookies(None, &profile, recipe, read, LIMITS).await.unwrap();
    profile
}

/// What a page comes to: the balance, or its state's name.
async fn outcome(profile: &Profile, recipe: &Recipe, limits: Limits, expected: Option<&str>) -> String {
    let expected = expected.map(|text| Picodollars::parse(text).unwrap());
    let seen = read(None, profile, recipe, limits).await;
    let accepted = seen.and_then(|seen| Ok(accept(&seen.found, recipe.bounds(), expected)?));
    match accepted {
        Ok(accepted) => format!("{} {}", accepted.amount.exact(), accepted.found),
        Err(error) => error.word().to_owned(),
    }
}

/// The browser's processes that use this directory.
fn browsers(dir: &Path) -> Vec<String> {
    let mark = dir.to_str().unwrap().as_bytes();
    let is_browser = |line: &Vec<u8>| {
        let line = String::from_utf8_lossy(line);
        line.contains("--user-data-dir=") || line.contains("--type=")
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let ours = lines.filter(|line| is_browser(line) && line.windows(mark.len()).any(|part| part == mark));
    ours.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// That nothing of a browser is left: no process, no lock, no temporary file.
fn leaves_nothing(dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !browsers(dir).is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(browsers(dir), Vec::<String>::new());
    let console = dir.join("console/anthropic");
    for name in ["SingletonLock", "SingletonCookie", "SingletonSocket", "DevToolsActivePort"] {
        assert!(!console.join("profile").join(name).is_symlink(), "{name}");
        assert!(!console.join("profile").join(name).exists(), "{name}");
    }
    let temporary = std::fs::read_dir(dir.join("t")).unwrap().map(|dir| dir.unwrap().path());
    for dir in temporary {
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "{}", dir.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_page_gives_the_right_balance_or_a_state_by_name() {
    let (site, dir) = (Site::start(), tempfile::tempdir().unwrap());
    let recipe = recipe(&site);
    let profile = logged_in(dir.path(), &recipe).await;
    for (mood, expected, comes_to) in [
        (Mood::Good, None, "13.92 credits+page"),
        (Mood::Slow, None, "13.92 credits+page"),
        (Mood::LoggedOut, None, "logged-out"),
        (Mood::Expired, Some("13.92"), "logged-out"), // the page is there, and its own fetches are refused
        (Mood::Changed, Some("13.92"), "changed"),
        (Mood::Challenge, Some("13.92"), "challenge"),
        (Mood::SoftChallenge, Some("13.92"), "challenge"),
        (Mood::Never, Some("13.92"), "slow"),
        (Mood::German, None, "1234.56 credits+page"),
        (Mood::Envelope, Some("13.92"), "refused"),
        (Mood::Dash, Some("13.92"), "changed"),
        (Mood::Thousands, Some("1234"), "changed"),
        (Mood::Negative, Some("0"), "implausible"),
        (Mood::Euro, Some("13.92"), "currency"),
        (Mood::LastMonth, Some("13.92"), "outdated"),
        (Mood::Disagreement, Some("13.92"), "implausible"),
        (Mood::Absurd, Some("13.92"), "implausible"),
        (Mood::NotJson, None, "implausible"),
        (Mood::NotJson, Some("14"), "13.92 page"),
        (Mood::ElementOnly, None, "implausible"),
        (Mood::ElementOnly, Some("20"), "13.92 page"),
        (Mood::ElementOnly, Some("5"), "implausible"),
    ] {
        site.be(mood);
        let began = Instant::now();
        assert_eq!(outcome(&profile, &recipe, LIMITS, expected).await, comes_to, "{mood:?}");
        println!("{mood:?}: {comes_to}, {:.1} s", began.elapsed().as_secs_f64());
    }
    let closed = Recipe { home: "http://127.0.0.1:9".to_owned(), ..recipe.clone() };
    assert_eq!(outcome(&profile, &closed, LIMITS, None).await, "unreachable");
    drop(profile);
    leaves_nothing(dir.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_takes_too_much_is_ended_with_all_its_processes() {
    let (site, dir) = (Site::start(), tempfile::tempdir().unwrap());
    let recipe = recipe(&site);
    let profile = logged_in(dir.path(), &recipe).await;
    site.be(Mood::Hog);
    let limits = Limits { memory_mib: 1500, page_seconds: 60, ..LIMITS };
    let seen = read(None, &profile, &recipe, limits).await;
    assert_eq!(seen, Err(ConsoleError::Memory { mib: 1500 }));
    // Another program does not get the profile meanwhile.
    assert_eq!(Profile::lock(dir.path(), "anthropic").unwrap_err(), ConsoleError::Busy);
    drop(profile);
    leaves_nothing(dir.path());
}

/// `MECRIS_CONSOLE_ROUNDS=100 cargo test --test main -- console::rounds --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_of_reading_leave_no_process_no_lock_and_no_file() {
    let rounds = std::env::var("MECRIS_CONSOLE_ROUNDS").ok().map_or(3, |text| text.parse().unwrap());
    let (site, dir) = (Site::start(), tempfile::tempdir().unwrap());
    let recipe = recipe(&site);
    let profile = logged_in(dir.path(), &recipe).await;
    let moods = [Mood::Good, Mood::Challenge, Mood::German, Mood::Never, Mood::Envelope];
    let began = Instant::now();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for round in 0..rounds {
        site.be(moods[round % moods.len()]);
        let limits = Limits { page_seconds: 2, ..LIMITS };
        if round % 7 == 3 {
            // Cut off in the middle, as a stop does.
            let reading = read(None, &profile, &recipe, limits);
            let _ = tokio::time::timeout(Duration::from_millis(100 * (round as u64 % 20)), reading).await;
            *counts.entry("cut off".to_owned()).or_default() += 1;
            profile.tidy();
        } else {
            *counts.entry(outcome(&profile, &recipe, limits, None).await).or_default() += 1;
        }
    }
    drop(profile);
    leaves_nothing(dir.path());
    let pictures =
        std::fs::read_dir(dir.path().join("console/anthropic/failures")).map_or(0, Iterator::count);
    assert!(pictures <= 10, "{pictures} pictures are kept");
    println!("{rounds} rounds, {counts:?}, {:.0} s, nothing is left", began.elapsed().as_secs_f64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_of_a_failed_page_shows_its_layout_and_nobody() {
    let (site, dir) = (Site::start(), tempfile::tempdir().unwrap());
    let recipe = recipe(&site);
    let profile = logged_in(dir.path(), &recipe).await;
    site.be(Mood::Changed);
    assert_eq!(outcome(&profile, &recipe, LIMITS, None).await, "changed");
    let failures = dir.path().join("console/anthropic/failures");
    let pictures: Vec<PathBuf> =
        std::fs::read_dir(&failures).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [picture] = pictures.as_slice() else { panic!("{pictures:?}") };
    assert!(picture.to_str().unwrap().ends_with("-changed.png"), "{picture:?}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(picture), mode(&failures)), (0o600, 0o700));
    assert_eq!(mode(&dir.path().join("console/anthropic/profile")), 0o700);
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
    // The masked page itself: what a picture cannot be searched for.
    if let Ok(keep) = std::env::var("MECRIS_KEEP_PICTURE") {
        std::fs::copy(picture, keep).unwrap();
    }
}

/// A home that reads this site, with the person's own recipe for it.
fn home_of(site: &Site) -> Home {
    let home = Home::new();
    let config = home.dir.path().join(".config/mecris");
    std::fs::create_dir_all(config.join("consoles")).unwrap();
    std::fs::write(config.join("consoles/anthropic.toml"), site.recipe()).unwrap();
    let text = format!(
        "[console]\nenabled = true\nas_root = true\nrecipes = \"{}\"\npage_seconds = 4\n",
        config.join("consoles").display()
    );
    std::fs::write(config.join("config.toml"), text).unwrap();
    std::fs::write(home.dir.path().join("cookies.txt"), Site::cookies()).unwrap();
    home
}

/// A command that finds programs as the person's shell does.
fn run(home: &Home, arguments: &[&str]) -> crate::support::program::Said {
    let mut command = home.command(arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap().into()
}

fn log_in(home: &Home) {
    let cookies = home.dir.path().join("cookies.txt");
    let said = run(home, &["login", "anthropic", "--cookies", cookies.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("terms") && said.out.contains("1 cookies are kept"), "{said:?}");
}

#[test]
fn a_person_logs_in_with_a_cookie_file_and_has_a_true_balance() {
    let site = Site::start();
    let home = home_of(&site);
    let said = run(&home, &["login", "anthropic"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("no display") && said.err.contains("--cookies"), "{said:?}");
    log_in(&home);
    let said = run(&home, &["console", "read", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let read: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (read["left_usd"].as_str(), read["confidence"].as_str()),
        (Some("13.92"), Some("high")),
        "{read}"
    );
    let balance = &home.json(&["balance"])["balances"][0];
    assert_eq!((balance["source"].as_str(), balance["left_usd"].as_str()), (Some("console"), Some("13.92")));
    // A page that is not believed changes nothing, and says what to do.
    site.be(Mood::Disagreement);
    let said = run(&home, &["console", "read"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("credits shows 13.92 USD and page shows 13.29 USD"), "{said:?}");
    assert_eq!(home.json(&["balance"])["balances"][0]["left_usd"], "13.92");
    // The session lives in the browser's profile, and nowhere else.
    let data = everything_below(&home.data().join("journal"));
    assert!(!data.windows(SESSION.len()).any(|part| part == SESSION.as_bytes()));
    leaves_nothing(&home.data());
}

#[test]
fn a_person_logs_in_in_a_window_and_the_session_outlives_the_browser() {
    let site = Site::start();
    let home = home_of(&site);
    let recipe = site.recipe().replace("login = \"/login\"", "login = \"/login#by-itself\"");
    std::fs::write(home.dir.path().join(".config/mecris/consoles/anthropic.toml"), recipe).unwrap();
    let screen = reach::UiCallbacks::start();
    let said: crate::support::program::Said = screen.log_in(&home).output().unwrap().into();
    assert!(said.code == 0 && said.out.contains("The session is kept"), "{said:?}");
    assert_eq!(site.logins(), 1);
    // The site's cookie has no end of its own: it would have died with the window.
    let said = run(&home, &["console", "read", "--json"]);
    assert!(said.code == 0 && said.out.contains("13.92"), "{said:?}");
    leaves_nothing(&home.data());
}

#[test]
fn it_is_off_until_it_is_switched_on_and_wrong_files_are_told() {
    let site = Site::start();
    let home = home_of(&site);
    let config = home.dir.path().join(".config/mecris/config.toml");
    std::fs::write(&config, "").unwrap();
    let said = run(&home, &["console", "read"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("switched off") && said.err.contains("console.enabled"), "{said:?}");
    assert_eq!(site.reads(), 0);
    let file = home.dir.path().join("cookies.txt");
    std::fs::write(&file, format!("sessionKey={SESSION}")).unwrap();
    let said = run(&home, &["login", "anthropic", "--cookies", file.to_str().unwrap()]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("cookies.txt") && !said.err.contains(SESSION), "{said:?}");
    let recipe = home.dir.path().join(".config/mecris/consoles/anthropic.toml");
    let checked = run(&home, &["console", "check", recipe.to_str().unwrap()]);
    assert!(checked.code == 0 && checked.out.contains("credits, page"), "{checked:?}");
    std::fs::write(&recipe, site.recipe().replace("pointer = \"/amount\"", "pointer = \"amount\"")).unwrap();
    let checked = run(&home, &["console", "check", recipe.to_str().unwrap()]);
    assert!(checked.code == 2 && checked.err.contains("way credits"), "{checked:?}");
}

#[test]
fn a_supervisor_reads_the_page_and_an_expired_session_is_an_alert() {
    let site = Site::start();
    let home = home_of(&site);
    log_in(&home);
    let path = std::env::var("PATH").unwrap();
    let running = home.start_with(&[], &[("PATH", &path)]);
    let shown = |running: &crate::support::program::Running| {
        let sources = running.get("/api/v1/sources").json();
        let all = sources["sources"].as_array().unwrap();
        all.iter().find(|source| source["name"] == "console-anthropic").unwrap().clone()
    };
    // It looks at its start, for nobody has looked before.
    let wait = |state: &str| {
        for _ in 0..1_200 {
            let source = shown(&running);
            if source["state"] == state {
                return source;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("{state} did not come: {}", shown(&running));
    };
    assert!(wait("ok")["reason"].as_str().unwrap().contains("credits+page"));
    let reads = site.reads();
    assert_eq!(running.get("/api/v1/balance").json()["balances"][0]["left_usd"], "13.92");
    site.be(Mood::LoggedOut);
    let read = || {
        let bearer = format!("Bearer {}", running.token);
        running.send("POST", "/api/v1/console/read", &[("authorization", &bearer)], Some("{}"))
    };
    let answer = read();
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (409, "application/problem+json"),
        "{answer:?}"
    );
    assert!(answer.body.contains("mecris login anthropic"), "{answer:?}");
    let source = wait("unauthorized");
    assert!(source["reason"].as_str().unwrap().contains("mecris login anthropic"), "{source}");
    // What was known stays known, and the person is told.
    assert_eq!(running.get("/api/v1/balance").json()["balances"][0]["left_usd"], "13.92");
    let told = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        running.get("/api/v1/alerts").body.contains("console-anthropic")
    });
    assert!(told, "{}", running.get("/api/v1/alerts").body);
    site.be(Mood::Good);
    assert_eq!(read().status, 200);
    wait("ok");
    assert_eq!(running.stop(), 0);
    // A restart is no reason to ask again.
    let asked = site.reads();
    assert!(asked > reads);
    let running = home.start_with(&[], &[("PATH", &path)]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(site.reads(), asked);
    assert_eq!(running.stop(), 0);
    leaves_nothing(&home.data());
}

#[test]
fn a_program_that_is_killed_takes_its_browser_with_it() {
    let site = Site::start();
    let home = home_of(&site);
    log_in(&home);
    site.be(Mood::Never);
    let mut command = home.command(&["console", "read"]);
    let mut child = command.env("PATH", std::env::var_os("PATH").unwrap()).spawn().unwrap();
    let is_asked = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        site.reads() > 0
    });
    assert!(is_asked);
    assert!(!browsers(&home.data()).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let is_gone = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        browsers(&home.data()).is_empty()
    });
    assert!(is_gone, "{:?}", browsers(&home.data()));
    // The next one finds the profile as if nothing had happened.
    site.be(Mood::Good);
    assert_eq!(run(&home, &["console", "read"]).code, 0);
    leaves_nothing(&home.data());
}

#[test]
fn no_picture_log_line_or_event_holds_the_person_or_the_session() {
    let site = Site::start();
    let home = home_of(&site);
    log_in(&home);
    let mut said = String::new();
    for mood in [Mood::Good, Mood::Changed, Mood::Envelope, Mood::Challenge] {
        site.be(mood);
        let run = {
            let mut command = home.command(&["console", "read", "--log-level", "trace"]);
            command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap()
        };
        said += &String::from_utf8_lossy(&[run.stdout, run.stderr].concat());
    }
    for secret in [SESSION, PERSON, "4111 1111"] {
        assert!(!said.contains(secret), "{secret} is in what was said");
        for part in ["journal", "console/anthropic/failures", "console/anthropic/browser.log"] {
            let path = home.data().join(part);
            let bytes = if path.is_dir() { everything_below(&path) } else { std::fs::read(&path).unwrap() };
            assert!(
                !bytes.windows(secret.len()).any(|found| found == secret.as_bytes()),
                "{secret} in {part}"
            );
        }
    }
}

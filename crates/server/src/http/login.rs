//! /session, /login, /register, /logout: who a browser is, and how it becomes that. What is said here is JSON.
//!
//! A password comes once, by POST, and becomes a cookie. It is checked as SASL checks one, by the same pool and within the same
//! bounds. What changes something must come from our own page: its Origin says so, and no form of another page can send JSON.

use super::cookie::CookieName;
use super::{HttpRules, HttpSurroundings, Payload, Visitor, cookie, device_name, forwarding, payload, upgrade};
use crate::config::any_contains;
use crate::hub_thread::HubInput;
use crate::limits::{HTTP_ANSWER_PATIENCE, HTTP_BODY_BYTES};
use crate::page;
use crate::password::{LEAST_CHARACTERS, MOST_BYTES};
use crate::password_pool::Task;
use chat::command::{Command, NewAccount};
use chat::device_login::{LoginClaim, NewDevice};
use chat::id::ClientId;
use chat::name::Username;
use chat::query::{Answer, Query};
use chat::refusal::Refusal;
use compact_str::CompactString;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use session::WorkResult;
use std::net::IpAddr;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What the hub answers to one command at most: that the account is made, and that its device is logged in.
const MOST_ANSWERS: usize = 2;

type Reply = Response<Full<Bytes>>;

/// Answers instead of going on.
type OrReply<T> = Result<T, Box<Reply>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    username: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterForm {
    username: String,
    password: String,
    email: Option<String>,
    invite: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogoutForm {}

/// Who asks, and what of.
struct Asking<'a> {
    around: &'a HttpSurroundings,
    rules: &'a HttpRules,
    visitor: Visitor,
    headers: HeaderMap,
    address: IpAddr,
    is_https: bool,
}

/// Whether this request is for here.
pub(super) fn is_concerned(request: &Request<Incoming>) -> bool {
    match request.uri().path() {
        "/session" | "/logout" => true,
        // Whoever types these addresses is told by the page that there is nothing to see.
        "/login" | "/register" => !matches!(*request.method(), Method::GET | Method::HEAD),
        _ => false,
    }
}

pub(super) async fn answer(
    request: Request<Incoming>,
    around: &HttpSurroundings,
    rules: &HttpRules,
    visitor: Visitor,
) -> Response<Payload> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let client = if visitor.from_proxy { forwarding::client_of(&headers, &rules.trusted) } else { None };
    let is_https = visitor.is_https(&headers);
    let address = client.unwrap_or(visitor.peer.ip());
    let asking = Asking { around, rules, visitor, headers, address, is_https };
    let reply = match (parts.uri.path(), parts.method) {
        ("/session", Method::GET | Method::HEAD) => {
            match parts.uri.query().and_then(|query| query.strip_prefix("invite=")) {
                Some(token) => asking.invitation(token).await,
                None => asking.session().await,
            }
        }
        ("/login", Method::POST) => asking.login(body).await,
        ("/register", Method::POST) => asking.register(body).await,
        ("/logout", Method::POST) => asking.logout(body).await,
        (path, _) => {
            let allowed = if path == "/session" { "GET, HEAD" } else { "POST" };
            let mut reply = error(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", "This is not how it is asked here.");
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
            Err(Box::new(reply))
        }
    };
    reply.unwrap_or_else(|reply| *reply).map(payload)
}

impl Asking<'_> {
    fn cookie_name(&self) -> CookieName {
        CookieName::new(&self.rules.cookie, self.is_https)
    }

    /// Whom the browser is logged in as, and what there is to know before.
    async fn session(&self) -> OrReply<Reply> {
        let mut facts = self.facts();
        let Some(claim) = cookie::claim_of(&self.headers, &self.cookie_name()).filter(|_| self.is_from_here()) else {
            return Ok(said(StatusCode::OK, &facts));
        };
        match self.ask(Command::ShowLogin { claim }).await? {
            Answer::DeviceLogin { account, id, device, is_due } => {
                facts["signedIn"] = true.into();
                facts["username"] = account.as_str().into();
                facts["id"] = id.to_string().into();
                facts["device"] = device.as_str().into();
                let mut reply = said(StatusCode::OK, &facts);
                if is_due {
                    self.renew(claim, id, &mut reply).await;
                }
                Ok(reply)
            }
            Answer::Refused(Refusal::LoginEnded) => {
                let mut reply = said(StatusCode::OK, &facts);
                set_cookie(&mut reply, cookie::clear(&self.cookie_name()));
                Ok(reply)
            }
            // Banned for a time: the cookie is good again afterwards.
            Answer::Refused(Refusal::ServerBanned { reason, .. }) => {
                facts["banned"] = (&*reason).into();
                Ok(said(StatusCode::OK, &facts))
            }
            _ => Err(unavailable()),
        }
    }

    /// What the page says of an invitation before anybody takes it up: into which room it leads by now, or that it is of no use.
    async fn invitation(&self, token: &str) -> OrReply<Reply> {
        let room = match session::invite_token::hash(token) {
            None => None,
            Some(hash) => match self.ask(Command::Ask(Query::InviteLink { hash })).await? {
                Answer::LinkLeads { room } => Some(room),
                Answer::Refused(Refusal::LinkInvalid) => None,
                _ => return Err(unavailable()),
            },
        };
        Ok(said(StatusCode::OK, &json!({ "room": room.as_deref() })))
    }

    /// A new secret, if it can be had: else the old one goes on for now.
    async fn renew(&self, claim: LoginClaim, account: ClientId, reply: &mut Reply) {
        let Some(drawn) = cookie::Drawn::new() else { return };
        let renewed = self.ask(Command::RenewLogin { claim, to: drawn.hash() }).await;
        if matches!(renewed, Ok(Answer::DeviceLogin { .. })) {
            set_cookie(reply, drawn.set_for(account, &self.cookie_name()));
        }
    }

    async fn login(&self, body: Incoming) -> OrReply<Reply> {
        let form: LoginForm = self.read(body).await?;
        let password = Zeroizing::new(form.password);
        self.may_send_password()?;
        if !self.rules.password_login {
            let sentence = "This server takes no password from a page: log in with an IRC client that speaks SCRAM.";
            return Err(Box::new(error(StatusCode::FORBIDDEN, "NO_PASSWORDS", sentence)));
        }
        if password.is_empty() || password.len() > MOST_BYTES || form.username.is_empty() {
            return Err(wrong());
        }
        let name = Username::lookup(&form.username, &self.rules.name_rules);
        let (account, counted) = match self.credentials(name).await? {
            Answer::Credentials(credentials) => (credentials.account.clone(), credentials.counted),
            _ => return Err(unavailable()),
        };
        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        // What there is none of is checked like any other.
        let checked = self.work(Task::Check { hash, password }).await?;
        let (WorkResult::Checked { matches: true }, Some(account)) = (checked, account) else {
            return Err(wrong());
        };
        let drawn = cookie::Drawn::new().ok_or_else(unavailable)?;
        let device = Box::new(self.device(&drawn));
        let (account, proofs_since) = (account.id, account.proofs_since);
        self.log_in(Command::LogInDevice { account, counted, proofs_since, device }, &drawn).await
    }

    async fn register(&self, body: Incoming) -> OrReply<Reply> {
        let form: RegisterForm = self.read(body).await?;
        let password = Zeroizing::new(form.password);
        self.may_send_password()?;
        let bad = |code, sentence: &str| Err(Box::new(error(StatusCode::BAD_REQUEST, code, sentence)));
        let invite = form.invite.as_deref().filter(|invite| !invite.is_empty());
        let link = invite.and_then(session::invite_token::hash);
        if invite.is_some() && link.is_none() {
            return bad(
                "NO_INVITE_LINK",
                "This is not a whole invite link: copy it once more, or ask for another one.",
            );
        }
        if !self.rules.registration_open && link.is_none() {
            return Err(refused(&Refusal::RegistrationClosed));
        }
        let username = match Username::parse(&form.username, &self.rules.name_rules) {
            Ok(username) => username,
            Err(why) => return bad("BAD_ACCOUNT_NAME", &format!("This is not a name for an account: {why}.")),
        };
        let email = form.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        match email {
            None if self.rules.email_required => {
                return bad("INVALID_EMAIL", "An address for mail is required.");
            }
            Some(email) if !session::is_email(email) => {
                return bad("INVALID_EMAIL", "This is not an address for mail.");
            }
            _ => {}
        }
        // Making a hash is as much work as checking one, and whether a name is taken is for people to find out, not for
        // programs: it counts as an attempt.
        match self.credentials(username.clone()).await? {
            Answer::Credentials(credentials) if credentials.account.is_some() => {
                return Err(refused(&Refusal::AccountExists { name: username.text().clone() }));
            }
            Answer::Credentials(_) => {}
            _ => return Err(unavailable()),
        }
        let scram = self.rules.scram;
        let (password_hash, scram) = match self.work(Task::Hash { password, scram }).await? {
            WorkResult::Hashed { hash, scram } => (Some(hash), scram),
            WorkResult::Weak { why } => return bad("WEAK_PASSWORD", &format!("{why}.")),
            _ => return Err(unavailable()),
        };
        let drawn = cookie::Drawn::new().ok_or_else(unavailable)?;
        let account = NewAccount {
            username,
            password_hash,
            scram,
            email: email.map(Into::into),
            certificate: None,
            address: Some(self.address),
            link,
        };
        let device = Box::new(self.device(&drawn));
        self.log_in(Command::SignUp { account: Box::new(account), device }, &drawn).await
    }

    async fn logout(&self, body: Incoming) -> OrReply<Reply> {
        let LogoutForm {} = self.read(body).await?;
        if let Some(claim) = cookie::claim_of(&self.headers, &self.cookie_name()) {
            match self.ask(Command::EndLogin { claim }).await? {
                Answer::DeviceForgotten { .. } | Answer::Refused(Refusal::LoginEnded) => {}
                Answer::Refused(refusal) => return Err(refused(&refusal)),
                _ => return Err(unavailable()),
            }
        }
        let mut reply = said(StatusCode::OK, &json!({ "signedIn": false }));
        set_cookie(&mut reply, cookie::clear(&self.cookie_name()));
        Ok(reply)
    }

    /// The last step of a login: the hub's word, and the cookie.
    async fn log_in(&self, command: Command, drawn: &cookie::Drawn) -> OrReply<Reply> {
        match self.ask(command).await? {
            Answer::DeviceLogin { account, id, device, .. } => {
                // What the browser was logged in by before is forgotten with its cookie; if that fails it ends by itself.
                if let Some(claim) = cookie::claim_of(&self.headers, &self.cookie_name()) {
                    let _ = self.ask(Command::EndLogin { claim }).await;
                }
                let told = json!({ "signedIn": true, "username": account.as_str(), "device": device.as_str() });
                let mut reply = said(StatusCode::OK, &told);
                set_cookie(&mut reply, drawn.set_for(id, &self.cookie_name()));
                Ok(reply)
            }
            Answer::Refused(refusal) => Err(refused(&refusal)),
            _ => Err(unavailable()),
        }
    }

    fn facts(&self) -> Value {
        let rules = self.rules;
        let host = upgrade::host_of(&self.headers).map(|(host, _)| host);
        let host = host.as_deref().unwrap_or(&rules.page.server_name);
        let addresses: Vec<Value> = page::irc_listeners(&rules.page, host)
            .map(|listener| json!({ "protocol": "irc", "host": host, "port": listener.address.port(), "tls": listener.tls }))
            .collect();
        let passwords_from_here = self.may_send_password().is_ok();
        let secure_page = page::secure_page(&rules.page, host).filter(|_| rules.password_login && !passwords_from_here);
        json!({
            "signedIn": false,
            "network": rules.page.network,
            "description": rules.page.description,
            "serverName": rules.page.server_name,
            "registration": if rules.registration_open { "open" } else { "invite" },
            "emailRequired": rules.email_required,
            "guests": rules.guests,
            "passwordLogin": rules.password_login && passwords_from_here,
            "securePage": secure_page,
            "minimumPassword": LEAST_CHARACTERS,
            "rooms": rules.auto_join,
            "addresses": addresses,
        })
    }

    fn device(&self, drawn: &cookie::Drawn) -> NewDevice {
        NewDevice {
            name: Some(device_name::of(&self.headers)),
            transport: CompactString::const_new(if self.is_https { "WebSocket over TLS" } else { "WebSocket" }),
            address: self.address,
            secret: drawn.hash(),
        }
    }

    /// From our own page, as far as the browser says; browsers leave Origin out where they only read.
    fn is_from_here(&self) -> bool {
        let site = self.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let has_origin = self.headers.contains_key(header::ORIGIN);
        matches!(site, None | Some(b"same-origin" | b"none"))
            && (!has_origin || upgrade::is_our_page(&self.headers, self.rules, self.visitor))
    }

    fn may_send_password(&self) -> OrReply<()> {
        if self.rules.plaintext_login || self.visitor.is_private(&self.headers) {
            return Ok(());
        }
        let sentence = "Passwords are taken over https only: open this page with https.";
        Err(Box::new(error(StatusCode::FORBIDDEN, "HTTPS_ONLY", sentence)))
    }

    /// The body of a request that changes something (ASVS 3.5.1 to 3.5.3).
    async fn read<T: DeserializeOwned>(&self, body: Incoming) -> OrReply<T> {
        let refuse = |status, sentence| Err(Box::new(error(status, "BAD_REQUEST", sentence)));
        if !self.is_from_here() || !self.headers.contains_key(header::ORIGIN) {
            return refuse(StatusCode::FORBIDDEN, "This may be asked by this server's own page only.");
        }
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "What is asked here comes as application/json.");
        }
        let reading = timeout(self.rules.handshake, Limited::new(body, HTTP_BODY_BYTES).collect());
        let bytes = match reading.await {
            Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "The request did not come in time."),
            Ok(Err(_)) => return refuse(StatusCode::PAYLOAD_TOO_LARGE, "The request is too long, or was cut off."),
            Ok(Ok(body)) => body.to_bytes(),
        };
        serde_json::from_slice(&bytes)
            .or_else(|_| refuse(StatusCode::BAD_REQUEST, "The request is not what is asked for here."))
    }

    /// What there is to check a login of this name against; counts as an attempt.
    async fn credentials(&self, name: Username) -> OrReply<Answer> {
        let exempt = any_contains(&self.rules.exempt, self.address);
        let query = Query::Credentials { name, address: self.address, exempt };
        match self.ask(Command::Ask(query)).await? {
            Answer::Refused(refusal) => Err(refused(&refusal)),
            answer => Ok(answer),
        }
    }

    /// The hub's answer, the last one if there are several.
    async fn ask(&self, command: Command) -> OrReply<Answer> {
        let (sender, mut answers) = mpsc::channel(MOST_ANSWERS);
        let answers_to = Box::new(move |answer: Answer| {
            let more = matches!(answer, Answer::AccountCreated { .. });
            // Whoever asked may have gone.
            let _ = sender.try_send(answer);
            more
        });
        self.around.hub.push(HubInput::Console { command: Box::new(command), answers: answers_to });
        let last = async {
            loop {
                match answers.recv().await {
                    Some(Answer::AccountCreated { .. }) => {}
                    other => return other,
                }
            }
        };
        timeout(HTTP_ANSWER_PATIENCE, last).await.ok().flatten().ok_or_else(unavailable)
    }

    /// What the pool makes of a password.
    async fn work(&self, task: Task) -> OrReply<WorkResult> {
        let (sender, result) = oneshot::channel();
        self.around.passwords.submit_for(
            task,
            Box::new(move |result| {
                // Whoever asked may have gone.
                let _ = sender.send(result);
            }),
        );
        match timeout(HTTP_ANSWER_PATIENCE, result).await {
            Ok(Ok(WorkResult::Busy)) | Ok(Err(_)) | Err(_) => Err(unavailable()),
            Ok(Ok(result)) => Ok(result),
        }
    }
}

fn said(status: StatusCode, value: &Value) -> Reply {
    let mut reply = super::typed("application/json", value.to_string());
    *reply.status_mut() = status;
    reply
}

/// `code` is for programs such as the page, which may say it in another language: those of draft/account-registration where there is one.
fn error(status: StatusCode, code: &str, sentence: &str) -> Reply {
    let mut reply = said(status, &json!({ "error": sentence, "code": code }));
    if status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::PAYLOAD_TOO_LARGE {
        reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

/// An unknown name and a wrong password are one and the same.
fn wrong() -> Box<Reply> {
    Box::new(error(StatusCode::UNAUTHORIZED, "WRONG_CREDENTIALS", "The name or the password is wrong."))
}

fn unavailable() -> Box<Reply> {
    let sentence = "The server is busy: try again in a moment.";
    let mut reply = error(StatusCode::SERVICE_UNAVAILABLE, "BUSY", sentence);
    reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    Box::new(reply)
}

fn refused(refusal: &Refusal) -> Box<Reply> {
    let (status, code, sentence) = match refusal {
        Refusal::WrongCredentials | Refusal::LoginEnded => return wrong(),
        Refusal::TooManyAttempts { retry_after_seconds } => {
            let sentence = format!("Too many attempts: try again in {retry_after_seconds} seconds.");
            let mut reply = error(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", &sentence);
            reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_seconds));
            return Box::new(reply);
        }
        Refusal::ServerBanned { reason, .. } => {
            let sentence = format!("You are banned from this server: {reason}");
            let told = json!({ "error": sentence, "code": "BANNED", "reason": &**reason });
            return Box::new(said(StatusCode::FORBIDDEN, &told));
        }
        Refusal::AccountExists { name } | Refusal::NameInUse { name } | Refusal::NameReserved { name } => {
            (StatusCode::CONFLICT, "ACCOUNT_EXISTS", format!("The name {name} is taken: choose another one."))
        }
        Refusal::NameConfusable { name } => (
            StatusCode::CONFLICT,
            "NAME_CONFUSABLE",
            format!("The name {name} looks like somebody else's: choose another one."),
        ),
        Refusal::AccountNameInvalid { name } | Refusal::NameInvalid { name } => (
            StatusCode::BAD_REQUEST,
            "BAD_ACCOUNT_NAME",
            format!("{name} is not a name for an account: choose another one."),
        ),
        Refusal::NameOfService { name } => (
            StatusCode::BAD_REQUEST,
            "NAME_OF_SERVICE",
            format!("{name} is what other networks call a service of theirs: choose another name."),
        ),
        Refusal::RegistrationClosed => (
            StatusCode::FORBIDDEN,
            "REGISTRATION_CLOSED",
            "Accounts are made by the administrators of this server, or with an invite link.".to_owned(),
        ),
        Refusal::LinkInvalid => (
            StatusCode::FORBIDDEN,
            "LINK_INVALID",
            "This invite link is used up or too old: ask for another one.".to_owned(),
        ),
        Refusal::StorageFull | Refusal::StorageError => (
            StatusCode::SERVICE_UNAVAILABLE,
            "STORAGE",
            "The server cannot store anything at the moment: try again later.".to_owned(),
        ),
        _ => return unavailable(),
    };
    Box::new(error(status, code, &sentence))
}

fn set_cookie(reply: &mut Reply, value: Option<HeaderValue>) {
    if let Some(value) = value {
        reply.headers_mut().append(header::SET_COOKIE, value);
    }
}

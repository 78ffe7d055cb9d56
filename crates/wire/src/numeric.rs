//! The numerics, in one table.
//!
//! Names and codes: Modern IRC Client Protocol "Numerics" and its data file, RFC 2812 section 5, and the IRCv3
//! specifications bot-mode (335), whox (354), monitor (730 to 734) and metadata (760 to 774). 281, 282, 456 to 458, 468, 470, 479, 480, 489
//! and 573 stand in none of them: they are what servers in the field send. Where servers disagree about a code, the
//! comment says which meaning was taken.

/// Declares the enum and everything that needs the whole list. Sorted by code, which the lookup relies on and a test
/// checks.
macro_rules! numerics {
    ($($(#[$note:meta])* $name:ident = $code:literal,)+) => {
        /// A three-digit reply of a server. Those below 400 are replies, 400 to 599 (and a few later) are errors.
        #[allow(non_camel_case_types)] // the field's own names, found by searching for them
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Numeric {
            $($(#[$note])* $name = $code,)+
        }

        impl Numeric {
            /// Every numeric, sorted by code.
            pub const ALL: &[Numeric] = &[$(Numeric::$name),+];

            /// The name as the specifications write it, such as `RPL_WELCOME`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Numeric::$name => stringify!($name),)+
                }
            }
        }
    };
}

numerics! {
    RPL_WELCOME = 1,
    RPL_YOURHOST = 2,
    RPL_CREATED = 3,
    RPL_MYINFO = 4,
    RPL_ISUPPORT = 5,
    RPL_SNOMASK = 8,
    RPL_BOUNCE = 10,
    RPL_MAP = 15,
    RPL_MAPEND = 17,
    RPL_REMOTEISUPPORT = 105,
    RPL_TRACELINK = 200,
    RPL_TRACEOPERATOR = 204,
    RPL_TRACEUSER = 205,
    RPL_TRACESERVER = 206,
    RPL_STATSLINKINFO = 211,
    RPL_STATSCOMMANDS = 212,
    RPL_STATSCLINE = 213,
    RPL_STATSILINE = 215,
    RPL_STATSKLINE = 216,
    RPL_STATSYLINE = 218,
    RPL_ENDOFSTATS = 219,
    RPL_UMODEIS = 221,
    RPL_SERVLIST = 234,
    RPL_SERVLISTEND = 235,
    RPL_STATSLLINE = 241,
    RPL_STATSUPTIME = 242,
    RPL_STATSOLINE = 243,
    RPL_STATSHLINE = 244,
    RPL_LUSERCLIENT = 251,
    RPL_LUSEROP = 252,
    RPL_LUSERUNKNOWN = 253,
    RPL_LUSERCHANNELS = 254,
    RPL_LUSERME = 255,
    RPL_ADMINME = 256,
    RPL_ADMINLOC1 = 257,
    RPL_ADMINLOC2 = 258,
    RPL_ADMINEMAIL = 259,
    RPL_TRACEEND = 262,
    RPL_TRYAGAIN = 263,
    RPL_LOCALUSERS = 265,
    RPL_GLOBALUSERS = 266,
    RPL_WHOISCERTFP = 276,
    RPL_ACCEPTLIST = 281,
    RPL_ENDOFACCEPT = 282,
    RPL_NONE = 300,
    RPL_AWAY = 301,
    RPL_USERHOST = 302,
    RPL_ISON = 303,
    RPL_UNAWAY = 305,
    RPL_NOWAWAY = 306,
    RPL_WHOISREGNICK = 307,
    RPL_WHOISUSER = 311,
    RPL_WHOISSERVER = 312,
    RPL_WHOISOPERATOR = 313,
    RPL_WHOWASUSER = 314,
    RPL_ENDOFWHO = 315,
    RPL_WHOISIDLE = 317,
    RPL_ENDOFWHOIS = 318,
    RPL_WHOISCHANNELS = 319,
    RPL_WHOISSPECIAL = 320,
    RPL_LISTSTART = 321,
    RPL_LIST = 322,
    RPL_LISTEND = 323,
    RPL_CHANNELMODEIS = 324,
    RPL_CHANNEL_URL = 328,
    RPL_CREATIONTIME = 329,
    RPL_WHOISACCOUNT = 330,
    RPL_NOTOPIC = 331,
    RPL_TOPIC = 332,
    RPL_TOPICWHOTIME = 333,
    /// bot-mode.
    RPL_WHOISBOT = 335,
    RPL_INVITELIST = 336,
    RPL_ENDOFINVITELIST = 337,
    RPL_WHOISACTUALLY = 338,
    RPL_USERIP = 340,
    RPL_INVITING = 341,
    RPL_INVEXLIST = 346,
    RPL_ENDOFINVEXLIST = 347,
    RPL_EXCEPTLIST = 348,
    RPL_ENDOFEXCEPTLIST = 349,
    RPL_WHOISGATEWAY = 350,
    RPL_VERSION = 351,
    RPL_WHOREPLY = 352,
    RPL_NAMREPLY = 353,
    RPL_WHOSPCRPL = 354,
    RPL_LINKS = 364,
    RPL_ENDOFLINKS = 365,
    RPL_ENDOFNAMES = 366,
    RPL_BANLIST = 367,
    RPL_ENDOFBANLIST = 368,
    RPL_ENDOFWHOWAS = 369,
    RPL_INFO = 371,
    RPL_MOTD = 372,
    RPL_ENDOFINFO = 374,
    RPL_MOTDSTART = 375,
    RPL_ENDOFMOTD = 376,
    RPL_WHOISHOST = 378,
    RPL_WHOISMODES = 379,
    RPL_YOUREOPER = 381,
    RPL_REHASHING = 382,
    RPL_TIME = 391,
    RPL_USERSSTART = 392,
    RPL_USERS = 393,
    RPL_ENDOFUSERS = 394,
    RPL_NOUSERS = 395,
    RPL_VISIBLEHOST = 396,
    ERR_UNKNOWNERROR = 400,
    ERR_NOSUCHNICK = 401,
    ERR_NOSUCHSERVER = 402,
    ERR_NOSUCHCHANNEL = 403,
    ERR_CANNOTSENDTOCHAN = 404,
    ERR_TOOMANYCHANNELS = 405,
    ERR_WASNOSUCHNICK = 406,
    ERR_TOOMANYTARGETS = 407,
    ERR_NOSUCHSERVICE = 408,
    ERR_NOORIGIN = 409,
    ERR_INVALIDCAPCMD = 410,
    ERR_NORECIPIENT = 411,
    ERR_NOTEXTTOSEND = 412,
    ERR_NOTOPLEVEL = 413,
    ERR_WILDTOPLEVEL = 414,
    ERR_BADMASK = 415,
    ERR_TOOMANYMATCHES = 416,
    ERR_INPUTTOOLONG = 417,
    ERR_UNKNOWNCOMMAND = 421,
    ERR_NOMOTD = 422,
    ERR_NOADMININFO = 423,
    ERR_FILEERROR = 424,
    ERR_NONICKNAMEGIVEN = 431,
    ERR_ERRONEUSNICKNAME = 432,
    ERR_NICKNAMEINUSE = 433,
    ERR_NICKCOLLISION = 436,
    ERR_UNAVAILRESOURCE = 437,
    ERR_SERVICESDOWN = 440,
    ERR_USERNOTINCHANNEL = 441,
    ERR_NOTONCHANNEL = 442,
    ERR_USERONCHANNEL = 443,
    ERR_SUMMONDISABLED = 445,
    ERR_USERSDISABLED = 446,
    ERR_NONICKCHANGE = 447,
    ERR_FORBIDDENCHANNEL = 448,
    ERR_NOTREGISTERED = 451,
    ERR_ACCEPTFULL = 456,
    ERR_ACCEPTEXIST = 457,
    ERR_ACCEPTNOT = 458,
    ERR_NEEDMOREPARAMS = 461,
    ERR_ALREADYREGISTERED = 462,
    ERR_NOPERMFORHOST = 463,
    ERR_PASSWDMISMATCH = 464,
    ERR_YOUREBANNEDCREEP = 465,
    ERR_YOUWILLBEBANNED = 466,
    ERR_KEYSET = 467,
    ERR_INVALIDUSERNAME = 468,
    ERR_LINKCHANNEL = 470,
    ERR_CHANNELISFULL = 471,
    ERR_UNKNOWNMODE = 472,
    ERR_INVITEONLYCHAN = 473,
    ERR_BANNEDFROMCHAN = 474,
    ERR_BADCHANNELKEY = 475,
    ERR_BADCHANMASK = 476,
    /// The channel is for people with an account. RFC 2812 has ERR_NOCHANMODES here, which nobody sends.
    ERR_NEEDREGGEDNICK = 477,
    ERR_BANLISTFULL = 478,
    /// A channel name that is not allowed.
    ERR_BADCHANNAME = 479,
    /// No KNOCK on this channel. The code has other meanings elsewhere.
    ERR_CANNOTKNOCK = 480,
    ERR_NOPRIVILEGES = 481,
    ERR_CHANOPRIVSNEEDED = 482,
    ERR_CANTKILLSERVER = 483,
    ERR_RESTRICTED = 484,
    ERR_UNIQOPRIVSNEEDED = 485,
    ERR_SECUREONLYCHAN = 489,
    ERR_NOOPERHOST = 491,
    ERR_UMODEUNKNOWNFLAG = 501,
    ERR_USERSDONTMATCH = 502,
    ERR_HELPNOTFOUND = 524,
    ERR_INVALIDKEY = 525,
    /// This person takes no messages from the sender, for want of an account or otherwise.
    ERR_CANTSENDTOUSER = 531,
    /// RELAYMSG refused.
    ERR_CANNOTSENDRP = 573,
    RPL_WATCHLIST = 606,
    RPL_STARTTLS = 670,
    RPL_WHOISSECURE = 671,
    ERR_STARTTLS = 691,
    ERR_INVALIDMODEPARAM = 696,
    ERR_LISTMODEALREADYSET = 697,
    ERR_LISTMODENOTSET = 698,
    RPL_HELPSTART = 704,
    RPL_HELPTXT = 705,
    RPL_ENDOFHELP = 706,
    ERR_TARGCHANGE = 707,
    RPL_KNOCK = 710,
    RPL_KNOCKDLVR = 711,
    ERR_TOOMANYKNOCK = 712,
    ERR_CHANOPEN = 713,
    ERR_KNOCKONCHAN = 714,
    /// The person takes messages from accepted senders alone (caller id).
    RPL_TARGUMODEG = 716,
    RPL_TARGNOTIFY = 717,
    RPL_UMODEGMSG = 718,
    ERR_NOPRIVS = 723,
    RPL_QUIETLIST = 728,
    RPL_ENDOFQUIETLIST = 729,
    RPL_MONONLINE = 730,
    RPL_MONOFFLINE = 731,
    RPL_MONLIST = 732,
    RPL_ENDOFMONLIST = 733,
    ERR_MONLISTFULL = 734,
    ERR_MLOCKRESTRICTED = 742,
    RPL_WHOISKEYVALUE = 760,
    RPL_KEYVALUE = 761,
    RPL_KEYNOTSET = 766,
    RPL_METADATASUBOK = 770,
    RPL_METADATAUNSUBOK = 771,
    RPL_METADATASUBS = 772,
    RPL_METADATASYNCLATER = 774,
    RPL_LOGGEDIN = 900,
    RPL_LOGGEDOUT = 901,
    ERR_NICKLOCKED = 902,
    RPL_SASLSUCCESS = 903,
    ERR_SASLFAIL = 904,
    ERR_SASLTOOLONG = 905,
    ERR_SASLABORTED = 906,
    ERR_SASLALREADY = 907,
    RPL_SASLMECHS = 908,
}

impl Numeric {
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The code as it stands on the wire, such as `001`.
    pub const fn digits(self) -> [u8; 3] {
        let code = self.code();
        [b'0' + (code / 100) as u8, b'0' + (code / 10 % 10) as u8, b'0' + (code % 10) as u8]
    }

    pub fn from_code(code: u16) -> Option<Numeric> {
        let place = Numeric::ALL.binary_search_by_key(&code, |numeric| numeric.code()).ok()?;
        Some(Numeric::ALL[place])
    }

    /// The numeric that a verb is, if it is three digits that stand in the table.
    pub fn from_verb(verb: &str) -> Option<Numeric> {
        match *verb.as_bytes() {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |byte: u8| u16::from(byte - b'0');
                Numeric::from_code(digit(a) * 100 + digit(b) * 10 + digit(c))
            }
            _ => None,
        }
    }

    /// Whether it reports a failure: the `ERR_` names.
    pub fn is_error(self) -> bool {
        self.name().starts_with("ERR_")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_code_and_name_is_there_once() {
        for pair in Numeric::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code(), "{} before {}", pair[0].name(), pair[1].name());
        }
        let names: BTreeSet<_> = Numeric::ALL.iter().map(|numeric| numeric.name()).collect();
        assert_eq!(names.len(), Numeric::ALL.len());
    }

    #[test]
    fn every_numeric_is_found_by_its_code_and_its_digits() {
        for &numeric in Numeric::ALL {
            let digits = format!("{:03}", numeric.code());
            assert_eq!(digits.as_bytes(), numeric.digits(), "{}", numeric.name());
            assert_eq!(Numeric::from_code(numeric.code()), Some(numeric));
            assert_eq!(Numeric::from_verb(&digits), Some(numeric));
        }
    }

    #[test]
    fn names_and_codes_agree_about_failure() {
        for &numeric in Numeric::ALL {
            let name = numeric.name();
            assert!(name.starts_with("RPL_") || name.starts_with("ERR_"), "{name}");
            // The blocks of RFC 2812 section 5; above 600 both kinds are mixed.
            if numeric.code() < 600 {
                assert_eq!(numeric.is_error(), numeric.code() >= 400, "{name}");
            }
        }
    }

    #[test]
    fn other_verbs_are_no_numeric() {
        for verb in ["", "1", "01", "0001", "abc", "00a", "999", "000", "+01", "PING", "٠٠١"] {
            assert_eq!(Numeric::from_verb(verb), None, "{verb:?}");
        }
    }

    #[test]
    fn some_that_everything_depends_on() {
        for (numeric, code) in [
            (Numeric::RPL_WELCOME, 1),
            (Numeric::RPL_ISUPPORT, 5),
            (Numeric::RPL_NAMREPLY, 353),
            (Numeric::RPL_WHOSPCRPL, 354),
            (Numeric::ERR_INPUTTOOLONG, 417),
            (Numeric::ERR_NICKNAMEINUSE, 433),
            (Numeric::RPL_MONONLINE, 730),
            (Numeric::RPL_SASLSUCCESS, 903),
        ] {
            assert_eq!(numeric.code(), code);
        }
    }
}

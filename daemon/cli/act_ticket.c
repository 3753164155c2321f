/* caretaker ticket ACTION: what people do to tickets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/money.h"
#include "daemon/cli/act.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/ticket_photo.h"
#include "daemon/cli/ticket_show.h"
#include "daemon/model/cause.h"
#include "daemon/model/ticket.h"

/* What may be given beside the words, as bits of an action's `takes`. */
enum takes {
    TAKES_WHICH = 1 << 0, /* --device, --rule: in the place of the number. */
    TAKES_NOTE = 1 << 1,
    TAKES_TO = 1 << 2,
    TAKES_PRIORITY = 1 << 3,
    TAKES_PLACE = 1 << 4, /* --category, --team */
    TAKES_REPORT = 1 << 5,
    TAKES_PAUSE = 1 << 6,
    TAKES_WORK = 1 << 7,
    TAKES_UNDO = 1 << 8,
    TAKES_DEVICE = 1 << 9
};

struct given {
    struct action a;
    const char *symptom, *category, *team, *reporter, *pause, *cause, *minutes, *cost;
    struct cli_list parts;
    bool undo;
    int64_t step;
};

struct ticket_action {
    const char *word;
    enum command_kind kind;
    const char *said;
    unsigned takes;
    struct cli_command help; /* Its run is never called. */
};

static int
refuse_run(const struct cli_command *self, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return cli_usage_error(self, "this is a word of caretaker ticket");
}

#define NUMBER_USAGE "NUMBER"
#define BY           "[--by NAME]"
#define WORK_USAGE                                                                     \
    "[--cause CODE] [--minutes N] [--cost AMOUNT] [--part NAME=COUNT@COST]..."

static const struct ticket_action actions[] = {
    {"open",
     COMMAND_TICKET_OPEN,
     "opened",
     TAKES_DEVICE | TAKES_NOTE | TAKES_PRIORITY | TAKES_PLACE | TAKES_REPORT,
     {"ticket open", "report a fault",
      "DEVICE SYMPTOM [--priority P] [--category C] [--team T] [--reporter NAME] " BY,
      "The ticket is of the kind \"reported\": no sensor can confirm its repair, so a\n"
      "person closes it once whoever reported it agrees.\n\n"
      "  caretaker ticket open lift-2 \"door scrapes on floor 3\" --reporter \"Mrs "
      "Wang\"\n"
      "  caretaker ticket open pump-1 --symptom \"drips\" --priority urgent "
      "--category seal\n",
      refuse_run}},
    {"take",
     COMMAND_TICKET_TAKE,
     "assigned",
     TAKES_WHICH | TAKES_NOTE | TAKES_TO,
     {"ticket take", "it is mine, or hand it over",
      "NUMBER [--to NAME] [--note WHY] " BY,
      "Whoever takes a ticket owns it until it is closed: nobody else can take it.\n"
      "With --to it is handed over; anybody may do that, and it is recorded.\n\n"
      "  caretaker ticket take 17\n"
      "  caretaker ticket take 17 --to li --note \"end of my shift\"\n",
      refuse_run}},
    {"arrive",
     COMMAND_TICKET_ARRIVE,
     "responded",
     TAKES_WHICH | TAKES_NOTE,
     {"ticket arrive", "somebody is there: the response clock stops",
      "NUMBER [NOTE] " BY,
      "Who is there first owns a ticket that nobody took.\n\n"
      "  caretaker ticket arrive 17\n",
      refuse_run}},
    {"wait",
     COMMAND_TICKET_WAIT,
     "waiting",
     TAKES_WHICH | TAKES_NOTE | TAKES_PAUSE,
     {"ticket wait", "the resolve clock stands still",
      "NUMBER [NOTE] [--pause parts|contractor|access|other] " BY,
      "Say what it waits for: by --pause, in words, or both.  The response clock goes "
      "on.\n\n"
      "  caretaker ticket wait 17 parts\n"
      "  caretaker ticket wait 17 --pause contractor \"lift firm comes at nine\"\n",
      refuse_run}},
    {"resume",
     COMMAND_TICKET_RESUME,
     "resumed",
     TAKES_WHICH | TAKES_NOTE,
     {"ticket resume", "the wait is over", "NUMBER [NOTE] " BY,
      "The resolve clock goes on from where it stood.\n\n"
      "  caretaker ticket resume 17\n",
      refuse_run}},
    {"tick",
     COMMAND_TICKET_TICK,
     "ticked",
     TAKES_WHICH | TAKES_NOTE | TAKES_UNDO,
     {"ticket tick", "a step of its procedure is done", "NUMBER STEP [--undo] " BY,
      "The steps are those of the procedure that its rule or plan names, from 1 on.\n\n"
      "  caretaker ticket tick 17 1\n"
      "  caretaker ticket tick 17 3 --undo\n",
      refuse_run}},
    {"change",
     COMMAND_TICKET_CHANGE,
     "changed",
     TAKES_WHICH | TAKES_NOTE | TAKES_PRIORITY | TAKES_PLACE,
     {"ticket change", "another priority, category or team",
      "NUMBER [--priority P] [--category C] [--team T] [--note WHY] " BY,
      "Why a priority changes must be said; its deadlines follow.\n\n"
      "  caretaker ticket change 17 --priority critical --note \"somebody is inside\"\n"
      "  caretaker ticket change 17 --category electrical --team power\n",
      refuse_run}},
    {"resolve",
     COMMAND_TICKET_RESOLVE,
     "resolved; its sensor will confirm it, or close it if none can tell",
     TAKES_WHICH | TAKES_NOTE | TAKES_WORK,
     {"ticket resolve", "done, and what was done",
      "NUMBER TREATMENT " WORK_USAGE " " BY,
      "Resolved is not closed: the sensor must show for `verify_for` that the fault "
      "is\n"
      "gone.  What a sensor cannot show, a person closes.\n"
      "COST of a part is that of all COUNT of them; --cost is what came beside parts.\n"
      "What is entered adds to what was entered before.\n\n"
      "  caretaker ticket resolve 17 \"greased, was dry\" --cause lubrication\n"
      "  caretaker ticket resolve 17 \"new seal\" --cause leak --minutes 40 \\\n"
      "      --part \"seal ring=2@35.00\" --cost 120\n",
      refuse_run}},
    {"close",
     COMMAND_TICKET_CLOSE,
     "closed",
     TAKES_WHICH | TAKES_NOTE | TAKES_WORK,
     {"ticket close", "close a resolved one without waiting for its sensor",
      "NUMBER [NOTE] " WORK_USAGE " " BY,
      "Not while its alarm stands.\n\n"
      "  caretaker ticket close 17 \"Mrs Wang is content\"\n",
      refuse_run}},
    {"reopen",
     COMMAND_TICKET_REOPEN,
     "reopened",
     TAKES_WHICH | TAKES_NOTE,
     {"ticket reopen", "it was not done after all", "NUMBER WHY " BY,
      "Its owner has it again, with whole clocks.  A fault that comes back within\n"
      "`follow_up` reopens its ticket by itself.\n\n"
      "  caretaker ticket reopen 17 \"drips again\"\n",
      refuse_run}},
    {"note",
     COMMAND_TICKET_NOTE,
     "noted",
     TAKES_WHICH | TAKES_NOTE | TAKES_WORK,
     {"ticket note", "add a remark, time worked, parts or costs",
      "NUMBER [TEXT] " WORK_USAGE " " BY,
      "Less than nothing takes back what was entered wrongly.\n\n"
      "  caretaker ticket note 17 \"contractor called\"\n"
      "  caretaker ticket note 17 --minutes 25 --part \"fuse 16 A\"\n"
      "  caretaker ticket note 17 \"was 15, not 25\" --minutes -10\n",
      refuse_run}},
    {"rate",
     COMMAND_TICKET_RATE,
     "rated",
     TAKES_WHICH | TAKES_NOTE,
     {"ticket rate", "stars for a closed one", "NUMBER STARS [--note TEXT] " BY,
      "From 1 to 5; counted for its owner and its team.  A ticket that has "
      "been closed for\nlonger than `follow_up` takes none.\n\n"
      "  caretaker ticket rate 17 5 --by \"Mrs Wang\"\n",
      refuse_run}},
};

/* An option, and whose it is: 0 is everybody's. */
struct choice {
    unsigned takes;
    struct cli_option option;
};
#define CHOICES_MAX 18

static void
fill_choices(struct choice *out, struct given *g)
{
    const struct choice choices[CHOICES_MAX] = {
        {0,
         {"site", 'c', CLI_TEXT, &g->a.site, "SITE",
          "site file [" CLI_SITE_DEFAULT "]"}},
        {0, {"by", 'b', CLI_TEXT, &g->a.by, "NAME", "who does it [the login name]"}},
        {TAKES_WHICH | TAKES_DEVICE,
         {"device", 'd', CLI_TEXT, &g->a.device, "ID",
          "of this device: its one ticket"}},
        {TAKES_WHICH,
         {"rule", 'r', CLI_TEXT, &g->a.rule, "ID", "... and of this rule"}},
        {TAKES_NOTE,
         {"note", 'n', CLI_TEXT, &g->a.note, "TEXT", "the text, as option"}},
        {TAKES_TO, {"to", 't', CLI_TEXT, &g->a.to, "NAME", "who gets it"}},
        {TAKES_REPORT,
         {"symptom", 's', CLI_TEXT, &g->symptom, "TEXT", "what was seen or heard"}},
        {TAKES_REPORT,
         {"reporter", 0, CLI_TEXT, &g->reporter, "NAME",
          "who saw it [whoever enters it]"}},
        {TAKES_PRIORITY,
         {"priority", 'p', CLI_TEXT, &g->a.priority, "WORD",
          "critical, urgent or normal"}},
        {TAKES_PLACE,
         {"category", 0, CLI_TEXT, &g->category, "WORD",
          "kind of fault, as rules and skills name it"}},
        {TAKES_PLACE, {"team", 0, CLI_TEXT, &g->team, "ID", "whose work it is"}},
        {TAKES_PAUSE,
         {"pause", 0, CLI_TEXT, &g->pause, "WORD",
          "parts, contractor, access or other"}},
        {TAKES_WORK,
         {"cause", 0, CLI_TEXT, &g->cause, "CODE",
          "what it turned out to be, see below"}},
        {TAKES_WORK,
         {"minutes", 'm', CLI_TEXT, &g->minutes, "N", "worked, by all together"}},
        {TAKES_WORK,
         {"cost", 0, CLI_TEXT, &g->cost, "AMOUNT", "beside the parts, e.g. 120.50"}},
        {TAKES_WORK,
         {"part", 0, CLI_LIST, &g->parts, "PART",
          "NAME, NAME=COUNT or NAME=COUNT@COST; repeatable"}},
        {TAKES_UNDO, {"undo", 0, CLI_FLAG, &g->undo, NULL, "it was not done"}},
        {0, {"json", 'j', CLI_FLAG, &g->a.json, NULL, "print the daemon's answer"}},
    };
    memcpy(out, choices, sizeof choices);
}

/* Actions that are no command of JSON. */
static const struct {
    const char *word;
    int (*run)(int argc, char **argv);
} others[] = {{TICKET_SHOW_WORD, ticket_show}, {TICKET_PHOTO_WORD, ticket_photo}};

/* The first word that names an action and is no option's value; *other: which of
 * others[] it is; ARRAY_LEN(others): none. */
static const struct ticket_action *
find_action(int argc, char **argv, size_t *other)
{
    static const char *const flags[] = {"-j",     "--json", "--undo",
                                        "--html", "-h",     "--help"};
    bool value = false;
    *other = ARRAY_LEN(others);
    for (int i = 1; i < argc; i++) {
        for (size_t k = 0; !value && k < ARRAY_LEN(others); k++) {
            if (strcmp(argv[i], others[k].word) == 0) {
                *other = k;
                return NULL;
            }
        }
        for (size_t k = 0; !value && k < ARRAY_LEN(actions); k++) {
            if (strcmp(argv[i], actions[k].word) == 0) {
                return &actions[k];
            }
        }
        value = !value && argv[i][0] == '-' && strchr(argv[i], '=') == NULL;
        for (size_t k = 0; value && k < ARRAY_LEN(flags); k++) {
            value = strcmp(argv[i], flags[k]) != 0;
        }
    }
    return NULL;
}

static bool
whole(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end = NULL;
    int64_t value = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

/* The words after the action: NUMBER (or DEVICE for open), then STEP, STARS or text. */
static int
take_words(const struct ticket_action *action,
           struct given *g,
           const struct cli_list *args)
{
    const struct cli_command *self = &action->help;
    uint32_t at = 1;
    int64_t number = 0;
    bool named = g->a.device != NULL;
    bool counts =
        action->kind == COMMAND_TICKET_RATE || action->kind == COMMAND_TICKET_TICK;
    if (action->kind == COMMAND_TICKET_OPEN) {
        if (!named && at < args->count) {
            g->a.device = args->items[at++];
        }
    } else if (!(named && counts) && at < args->count) {
        if (whole(args->items[at], 1, INT64_MAX, &g->a.ticket)) {
            at++;
        } else if (!named) {
            return cli_usage_error(self, "\"%s\" is no ticket number", args->items[at]);
        }
    }
    if (g->a.ticket == 0 && g->a.device == NULL) {
        return cli_usage_error(self, action->kind == COMMAND_TICKET_OPEN
                                         ? "which device?"
                                         : "which ticket? its number, or --device ID");
    }
    if (action->kind == COMMAND_TICKET_RATE) {
        if (at == args->count || !whole(args->items[at++], 1, 5, &number)) {
            return cli_usage_error(self, "a rating is 1 to 5");
        }
        g->a.rating = (int)number;
    } else if (action->kind == COMMAND_TICKET_TICK) {
        if (at == args->count ||
            !whole(args->items[at++], 1, TICKET_STEPS_MAX, &g->step)) {
            return cli_usage_error(self, "which step? its number, from 1 on");
        }
    }
    if (at < args->count && g->a.note == NULL) {
        g->a.note = args->items[at++];
    }
    if (at < args->count) {
        return cli_usage_error(
            self, "\"%s\" is not expected here; put a text in quotes", args->items[at]);
    }
    return CLI_OK;
}

static int
add_parts(const struct ticket_action *action, struct given *g)
{
    struct ticket_part parts[TICKET_PARTS_MAX];
    struct err err = {0};
    if (g->parts.count > TICKET_PARTS_MAX) {
        return cli_usage_error(&action->help, "--part may be given %d times at most",
                               TICKET_PARTS_MAX);
    }
    for (uint32_t i = 0; i < g->parts.count; i++) {
        if (ticket_part_parse(&parts[i], g->parts.items[i], &err) != 0) {
            return cli_usage_error(&action->help, "%s", err.text);
        }
    }
    if (g->parts.count > 0) {
        strbuf_json_key(&g->a.more, "parts");
        ticket_parts_to_json(&g->a.more, parts, g->parts.count);
    }
    return CLI_OK;
}

/* Fills g->a.more. */
static int
add_members(const struct ticket_action *action, struct given *g)
{
    int64_t minutes = 0;
    int64_t cost = 0;
    struct strbuf *more = &g->a.more;
    if (g->minutes != NULL &&
        !whole(g->minutes, -WORK_MINUTES_MAX, WORK_MINUTES_MAX, &minutes)) {
        return cli_usage_error(&action->help, "--minutes is a whole number such as 40");
    }
    if (g->cost != NULL && !money_parse(&cost, g->cost)) {
        return cli_usage_error(&action->help, "--cost is an amount such as 120.50");
    }
    strbuf_json_str_opt(more, "symptom", g->symptom);
    strbuf_json_str_opt(more, "reporter", g->reporter);
    strbuf_json_str_opt(more, "category", g->category);
    strbuf_json_str_opt(more, "team", g->team);
    strbuf_json_str_opt(more, "pause", g->pause);
    strbuf_json_str_opt(more, "cause", g->cause);
    if (minutes != 0) {
        strbuf_json_int(more, "minutes", minutes);
    }
    if (cost != 0) {
        strbuf_json_money(more, "cost", cost);
    }
    if (g->step != 0) {
        strbuf_json_int(more, "step", g->step);
    }
    if (g->undo) {
        strbuf_json_bool(more, "undone", true);
    }
    return add_parts(action, g);
}

static int
run_action(const struct ticket_action *action, int argc, char **argv)
{
    struct given g = {.a = {.site = CLI_SITE_DEFAULT}};
    struct choice choices[CHOICES_MAX];
    struct cli_option options[CHOICES_MAX];
    size_t count = 0;
    fill_choices(choices, &g);
    for (size_t i = 0; i < CHOICES_MAX; i++) {
        if (choices[i].takes == 0 || (choices[i].takes & action->takes) != 0) {
            options[count++] = choices[i].option;
        }
    }
    struct cli_list args;
    bool done = false;
    int status = cli_parse(&action->help, options, count, argc, argv, &args, &done);
    if (status == CLI_OK && done && (action->takes & TAKES_WORK) != 0) {
        printf(
            tr("\nClosing codes (and those of the site, see `tickets: causes:`):\n"));
        for (size_t i = 0; cause_code(i) != NULL; i++) {
            printf("  %-16s %s\n", cause_code(i), cause_meaning(i));
        }
    }
    if (status != CLI_OK || done) {
        return status;
    }
    status = take_words(action, &g, &args);
    if (status == CLI_OK) {
        status = add_members(action, &g);
    }
    if (status == CLI_OK) {
        status =
            act_send(&g.a, action->kind, g.undo ? "no longer ticked" : action->said);
    }
    strbuf_fini(&g.a.more);
    return status;
}

static int
run_ticket(const struct cli_command *self, int argc, char **argv)
{
    size_t other = 0;
    const struct ticket_action *action = find_action(argc, argv, &other);
    if (other < ARRAY_LEN(others)) {
        return others[other].run(argc, argv);
    }
    if (action != NULL) {
        return run_action(action, argc, argv);
    }
    struct given g = {0};
    struct choice choices[CHOICES_MAX];
    struct cli_option options[CHOICES_MAX];
    fill_choices(choices, &g);
    for (size_t i = 0; i < CHOICES_MAX; i++) {
        options[i] = choices[i].option;
    }
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, CHOICES_MAX, argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    return cli_usage_error(self, "say what: open take arrive wait resume tick change "
                                 "resolve close reopen note rate photo show");
}

const struct cli_command cli_ticket = {
    "ticket", "work a ticket", "ACTION NUMBER [TEXT] [--by NAME]",
    "Actions; `caretaker ticket ACTION --help` says more of each, with examples:\n"
    "  open DEVICE SYMPTOM  report a fault\n"
    "  take NUMBER          it is mine (or --to NAME: it is handed over)\n"
    "  arrive NUMBER        on site: the response clock stops\n"
    "  wait NUMBER REASON   parts, contractor: the resolve clock stands still\n"
    "  resume NUMBER        go on\n"
    "  tick NUMBER STEP     a step of its procedure is done\n"
    "  change NUMBER        another priority, category or team\n"
    "  resolve NUMBER TEXT  done, and what was done; the sensor confirms it\n"
    "  close NUMBER         close a resolved one without waiting for the sensor\n"
    "  reopen NUMBER TEXT   it was not done after all\n"
    "  note NUMBER TEXT     add a remark, time worked, parts or costs\n"
    "  rate NUMBER 1..5     stars for a closed one\n"
    "  photo NUMBER FILE    add a photo\n"
    "  show NUMBER          all that is known of it (--json, --html)\n",
    run_ticket};

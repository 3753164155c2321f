/* What a device is, for the files. */
#include <math.h>

#include "config/load.h"
#include "config/shape.h"
#include "daemon/model/ledger.h"

#define TEXT_MAX (LEDGER_TEXT_BYTES - 1)

struct ledger_yaml {
    struct ledger ledger;
    const struct node *documents, *price;
};

struct paper_yaml {
    const char *title, *link, *valid_until;
    int kind;
};

static const char *const kind_words[] = {"manual",   "drawing", "certificate",
                                         "warranty", "other",   NULL};
_Static_assert(ARRAY_LEN(kind_words) == DOCUMENT_KIND_COUNT + 1,
               "a word for each kind");

static const struct field paper_fields[] = {
    {FIELD("link", FIELD_STRING, struct paper_yaml, link), REQUIRED,
     ABOUT("Where it is: an address, or a path.")},
    {FIELD("title", FIELD_STRING, struct paper_yaml, title), .max = 200,
     ABOUT("What it is called; without it the link stands for it.")},
    {FIELD("kind", FIELD_ENUM, struct paper_yaml, kind), .words = kind_words,
     ABOUT("What it is."), PRESET("other")},
    {FIELD("valid_until", FIELD_DATE, struct paper_yaml, valid_until),
     ABOUT("The last day on which it holds; papers_due of the gateway counts it 60 "
           "days before.")},
};
static const struct shape paper_shape = {SHAPE_OF_TABLE(paper_fields)};
static const struct shape *const paper_forms[] = {&shape_text, &paper_shape, NULL};
static const struct shape document_shape = {.kind = SHAPE_ANY, .any = paper_forms};
static const struct shape documents_shape = {.kind = SHAPE_LIST,
                                             .item = &document_shape};

static const struct field ledger_fields[] = {
    {FIELD("maker", FIELD_STRING, struct ledger_yaml, ledger.maker), .max = TEXT_MAX,
     ABOUT("Who made it.")},
    {FIELD("model", FIELD_STRING, struct ledger_yaml, ledger.model), .max = TEXT_MAX,
     ABOUT("Its model.")},
    {FIELD("specification", FIELD_STRING, struct ledger_yaml, ledger.specification),
     .max = TEXT_MAX, ABOUT("What it is made for: power, head, load.")},
    {FIELD("serial", FIELD_STRING, struct ledger_yaml, ledger.serial), .max = TEXT_MAX,
     ABOUT("Its serial number.")},
    {FIELD("supplier", FIELD_STRING, struct ledger_yaml, ledger.supplier),
     .max = TEXT_MAX, ABOUT("Who sold it, or is called for it.")},
    {FIELD("installed", FIELD_DATE, struct ledger_yaml, ledger.installed),
     ABOUT("The day when it was installed.")},
    {FIELD("design_life", FIELD_DURATION, struct ledger_yaml, ledger.design_life_ms),
     BETWEEN(MS_DAY, 200 * MS_YEAR), ABOUT("How long it is made to last.")},
    {FIELD("design_hours", FIELD_INT, struct ledger_yaml, ledger.design_hours),
     BETWEEN(1, LEDGER_DESIGN_MAX), ABOUT("How many hours it is made to run.")},
    {FIELD("design_starts", FIELD_INT, struct ledger_yaml, ledger.design_starts),
     BETWEEN(1, LEDGER_DESIGN_MAX), ABOUT("How many starts it is made for.")},
    {FIELD("warranty_until", FIELD_DATE, struct ledger_yaml, ledger.warranty_until),
     ABOUT("The last day of its warranty.")},
    {FIELD("price", FIELD_NODE, struct ledger_yaml, price),
     ABOUT("What it cost, in the site's currency."), SHAPE(shape_number)},
    {FIELD("area", FIELD_STRING, struct ledger_yaml, ledger.area), .max = TEXT_MAX,
     ABOUT("The area that it belongs to; without it its location.")},
    {FIELD("keeper", FIELD_ID, struct ledger_yaml, ledger.keeper),
     ABOUT("The id of the person who looks after it.")},
    {FIELD("documents", FIELD_NODE, struct ledger_yaml, documents),
     ABOUT("Its papers: links, or more of each."), SHAPE(documents_shape)},
};
const struct shape ledger_shape = {SHAPE_OF_TABLE(ledger_fields)};

static void
read_paper(struct reader *r, const struct node *n, struct ledger_paper *out)
{
    struct paper_yaml y = {.kind = DOCUMENT_OTHER};
    if (n->kind == NODE_SCALAR) {
        (void)value_text(r, n, "documents");
        y.link = n->text;
    } else {
        (void)fields_read(r, &y, n, "document", paper_fields, ARRAY_LEN(paper_fields));
    }
    y.link = y.link != NULL ? y.link : "";
    *out = (struct ledger_paper){.title = y.title != NULL ? y.title : y.link,
                                 .link = y.link,
                                 .kind = (enum document_kind)y.kind,
                                 .valid_until = y.valid_until};
}

static void
read_papers(struct reader *r, const struct node *list, struct ledger *out)
{
    struct ledger_paper *papers =
        arena_array(r->arena, list->count + 1, sizeof *papers);
    const char **links = arena_array(r->arena, list->count + 1, sizeof *links);
    uint32_t count = 0;
    for (const struct node *n = list_items(r, list, "documents"); n != NULL;
         n = n->next) {
        read_paper(r, n, &papers[count]);
        links[count] = papers[count].link;
        count++;
    }
    out->papers = papers;
    out->documents = links;
    out->document_count = count;
}

/* By the text, so that 0.1 is ten hundredths and nothing is rounded in silence. */
static void
read_price(struct reader *r, const struct node *n, struct ledger *out)
{
    char value[LEDGER_TEXT_BYTES];
    struct err err = {0};
    double amount = 0;
    if (!value_float(r, n, "price", &amount)) {
        return;
    }
    if (ledger_value_read(value, LEDGER_PRICE, n->text, &err) != 0) {
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"price\" is %s", err.text);
        return;
    }
    out->price = llround(amount * 100);
}

void
ledger_read(struct reader *r, const struct node *n, struct ledger *out)
{
    struct ledger_yaml y = {0};
    (void)fields_read(r, &y, n, "ledger", ledger_fields, ARRAY_LEN(ledger_fields));
    if (y.price != NULL) {
        read_price(r, y.price, &y.ledger);
    }
    if (y.documents != NULL) {
        read_papers(r, y.documents, &y.ledger);
    }
    *out = y.ledger;
}

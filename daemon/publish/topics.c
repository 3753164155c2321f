#include "daemon/publish/publish.h"

static void
topic_start(struct strbuf *out, const struct site *site)
{
    strbuf_printf(out, "%s/%s/", site->mqtt.prefix, site->id);
}

void
publish_topic_alarm(struct strbuf *out,
                    const struct site *site,
                    const char *device,
                    const char *rule)
{
    topic_start(out, site);
    strbuf_printf(out, "alarm/%s/%s", device, rule);
}

void
publish_topic_ticket(struct strbuf *out, const struct site *site, int64_t number)
{
    topic_start(out, site);
    strbuf_printf(out, "ticket/%lld", (long long)number);
}

void
publish_topic_event(struct strbuf *out, const struct site *site)
{
    topic_start(out, site);
    strbuf_add(out, "event");
}

void
publish_topic_status(struct strbuf *out, const struct site *site)
{
    topic_start(out, site);
    strbuf_add(out, "status");
}

void
publish_topic_command(struct strbuf *out, const struct site *site)
{
    topic_start(out, site);
    strbuf_add(out, "cmd");
}

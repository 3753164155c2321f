#include "daemon/store/tail_models.h"

#include <math.h>
#include <string.h>

#define EXACT_INT_MAX  9007199254740992.0 /* 2^53: every integer below is a double. */
#define SINGLE_INT_MAX 4194304.0 /* 2^22: above, a single's own bits are fewer. */
#define USUAL_SEEN     6         /* How much the usual chances weigh. */
#define USUAL_CLASSES  5         /* From this class on all have the same. */

static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
static const double tenths[] = {1, 0.1, 0.01, 0.001};

static void
usual(struct chance *chance, uint32_t one)
{
    *chance = (struct chance){.one = (uint16_t)one, .seen = USUAL_SEEN};
}

/* Of a geometric distribution with the mean that a class stands for: 1 / (1 + mean). */
static void
learn_usual(struct tail_models *m)
{
    static const uint16_t stops[USUAL_CLASSES] = {62000, 58000, 50000, 40000, 29000};
    for (unsigned class = 0; class < TAIL_CLASSES; class ++) {
        unsigned like = class < USUAL_CLASSES ? class : USUAL_CLASSES - 1;
        for (unsigned i = 0; i < TAIL_STEPS; i++) {
            usual(&m->steps[class][i], stops[like]);
        }
    }
    usual(&m->form_same, 45000);
    usual(&m->near, 30000);
    usual(&m->key_next, 60000);
    usual(&m->period_same, 60000);
    usual(&m->step_one, 62000);
    usual(&m->plain, 60000);
    usual(&m->flags_same, 64000);
    usual(&m->status_same[0], 40000);
    usual(&m->status_same[1], 63000);
    usual(&m->status_beside, 40000);
    /* More than 31 bits are rare, and so are more than 15 among classes. */
    usual(&m->firsts[1], 600);
    usual(&m->firsts[2], 1200);
    usual(&m->firsts[4], 12000);
    usual(&m->rests[1], 600);
    usual(&m->rests[2], 600);
    usual(&m->heads[1], 600);
    usual(&m->heads[2], 1200);
    usual(&m->classes[1], 600);
    usual(&m->classes[2], 2400);
    usual(&m->classes[4], 12000);
}

void
tail_models_init(struct tail_models *m)
{
    _Static_assert(sizeof *m % sizeof(struct chance) == 0, "it is made of chances");
    chances_reset((struct chance *)(void *)m, sizeof *m / sizeof(struct chance));
    learn_usual(m);
}

static int64_t
single_int(float single)
{
    int32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return bits < 0 ? bits ^ INT32_MAX : bits;
}

static int64_t
double_int(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

/* What an integer stands for in the forms that divide or multiply. */
static double
scaled(unsigned form, double n)
{
    if (form <= 6) {
        return n / powers[form];
    }
    return form <= 9 ? n * tenths[form - 6] : (double)(float)(n / powers[form - 9]);
}

bool
tail_form_int(unsigned form, double value, int64_t *n)
{
    if (form == TAIL_SINGLE) {
        *n = single_int((float)value);
        return (double)(float)value == value;
    }
    if (form == TAIL_DOUBLE) {
        *n = double_int(value);
        return true;
    }
    unsigned decimals = form <= 6 ? form : form <= 9 ? form - 6 : form - 9;
    double whole = value * powers[decimals];
    if (!(fabs(whole) < (form <= 9 ? EXACT_INT_MAX : SINGLE_INT_MAX))) {
        return false;
    }
    *n = llrint(whole);
    /* Minus zero is equal to zero, but not the same bits. */
    return scaled(form, (double)*n) == value && (*n != 0 || !signbit(value));
}

bool
tail_form_value(unsigned form, int64_t n, double *value)
{
    if (form == TAIL_DOUBLE) {
        int64_t bits = n < 0 ? n ^ INT64_MAX : n;
        memcpy(value, &bits, sizeof *value);
    } else if (form == TAIL_SINGLE) {
        float single;
        if (n < INT32_MIN || n > INT32_MAX) {
            return false;
        }
        int32_t bits = n < 0 ? (int32_t)n ^ INT32_MAX : (int32_t)n;
        memcpy(&single, &bits, sizeof single);
        *value = (double)single;
    } else {
        *value = scaled(form, (double)n);
    }
    return isfinite(*value);
}

"""Orders from a seed, and what each of them must become.

Four kinds: `shipped` ends in 6 events, `rejected` (more than 100 of one article) in 5, `declined` (total over 500000) in 4;
`dead` (total not positive) stays one event and becomes one dead letter of payments.
"""
import json
import random
import uuid

LIMIT, SHELF = 500000, 100
LENGTH = {"shipped": 6, "rejected": 5, "declined": 4, "dead": 1}

# type: (topic, service that says it, type it is caused by)
TREES = {
    "shipped": {"shop.PaymentAuthorised": ("shop.payments", "payments", "shop.OrderPlaced"),
                "shop.StockReserved": ("shop.stock", "inventory", "shop.PaymentAuthorised"),
                "shop.OrderShipped": ("shop.shipments", "shipping", "shop.StockReserved"),
                "shop.OrderCompleted": ("shop.orders", "orders", "shop.OrderShipped"),
                "shop.CustomerNotified": ("shop.notifications", "notifications", "shop.OrderShipped")},
    "rejected": {"shop.PaymentAuthorised": ("shop.payments", "payments", "shop.OrderPlaced"),
                 "shop.StockRejected": ("shop.stock", "inventory", "shop.PaymentAuthorised"),
                 "shop.OrderCancelled": ("shop.orders", "orders", "shop.StockRejected"),
                 "shop.CustomerNotified": ("shop.notifications", "notifications", "shop.OrderCancelled")},
    "declined": {"shop.PaymentDeclined": ("shop.payments", "payments", "shop.OrderPlaced"),
                 "shop.OrderCancelled": ("shop.orders", "orders", "shop.PaymentDeclined"),
                 "shop.CustomerNotified": ("shop.notifications", "notifications", "shop.OrderCancelled")},
    "dead": {},
}
TOPICS = ("shop.orders", "shop.payments", "shop.stock", "shop.shipments", "shop.notifications")
LETTERS = "shop.orders.payments.dlt"


class Order:
    __slots__ = ("kind", "value", "sku")

    def __init__(self, kind, value, sku):
        self.kind, self.value, self.sku = kind, value, sku

    @property
    def id(self):
        return self.value["order_id"]

    def json(self):
        return json.dumps(self.value, ensure_ascii=False)


def _kind(chance):
    return "shipped" if chance < 0.70 else "declined" if chance < 0.84 else "rejected" if chance < 0.98 else "dead"


def _lines(rng, kind):
    """(lines, the article of which there is not enough): for `rejected` the excess is sometimes spread over two lines."""
    lines = [{"sku": f"sku-{n}", "quantity": rng.randint(1, 50), "unit_price": rng.randint(1, 90)} for n in rng.sample(range(1000), rng.randint(1, 4))]
    if kind != "rejected":
        if rng.random() < 0.1:
            lines[0]["quantity"] = SHELF                 # all that there is, and no more
        return lines, None
    sku = f"sku-{rng.randint(1000, 1099)}"
    if rng.random() < 0.5:
        lines.append({"sku": sku, "quantity": SHELF + rng.randint(1, 100), "unit_price": 3})
    else:
        lines.insert(0, {"sku": sku, "quantity": 60, "unit_price": 3})
        lines.append({"sku": sku, "quantity": 41, "unit_price": 3})
    return lines, sku


def make(seed, count, placed_at):
    """`count` orders, the same for the same seed; the first four are one of each kind."""
    rng = random.Random(seed)
    orders = []
    for number in range(count):
        kind = list(LENGTH)[number] if number < len(LENGTH) else _kind(rng.random())
        lines, sku = _lines(rng, kind)
        total = {"shipped": lambda: rng.choice([1, LIMIT, rng.randint(2, LIMIT - 1)]), "rejected": lambda: rng.randint(1, LIMIT),
                 "declined": lambda: rng.choice([LIMIT + 1, rng.randint(LIMIT + 2, 2 ** 62)]), "dead": lambda: rng.choice([0, -1, -(2 ** 40)])}[kind]()
        orders.append(Order(kind, {
            "order_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)), "customer_id": f"C-{rng.randint(1, 500)}",
            "placed_at": placed_at + number, "currency": rng.choice(["EUR", "USD", "GBP", "CZK"]), "lines": lines, "total": total,
            "note": rng.choice([None, None, "", "leave it at the door", "Žluťoučký kůň, 北京, 🐎"])}, sku))
    return orders


def value_of(order, type_name):
    """What the event of this type must say about the order; times and the shipment's id are left to the judge."""
    who = {"order_id": order.id, "customer_id": order.value["customer_id"]}
    lines = order.value["lines"]
    cancelled = "over the limit" if order.kind == "declined" else f"{order.sku}: more than 100"
    subject = "Your order is on its way" if order.kind == "shipped" else "Your order was cancelled: " + cancelled
    return {
        "shop.OrderPlaced": lambda: order.value,
        "shop.PaymentAuthorised": lambda: {**who, "amount": order.value["total"], "currency": order.value["currency"], "lines": lines},
        "shop.PaymentDeclined": lambda: {**who, "reason": "over the limit"},
        "shop.StockReserved": lambda: {**who, "lines": lines},
        "shop.StockRejected": lambda: {**who, "sku": order.sku, "reason": "more than 100"},
        "shop.OrderShipped": lambda: {**who, "shipment_id": None, "shipped_at": None},
        "shop.OrderCompleted": lambda: who,
        "shop.OrderCancelled": lambda: {**who, "reason": cancelled},
        "shop.CustomerNotified": lambda: {**who, "channel": "EMAIL", "subject": subject},
    }[type_name]()

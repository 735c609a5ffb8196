"""Rewards: the shelf, redemptions, and the three rewards that a new installation starts with."""

from alembic import op

from moat.kit import documents
from moat.kit.db import migrations as kit

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
REWARDS = """
CREATE TABLE reward_shelf (
  taken bigint NOT NULL CONSTRAINT reward_shelf_taken CHECK (taken >= 0),
  reward text COLLATE "C" PRIMARY KEY
) WITH (fillfactor = 50);
CREATE TABLE reward_redemption (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  hold_id uuid,
  code_id uuid,
  made_at timestamptz NOT NULL,
  until timestamptz,
  redeemed_at timestamptz,
  sent_at timestamptz,
  fulfilled_at timestamptz,
  ended_at timestamptz,
  points bigint NOT NULL,
  money_minor bigint NOT NULL,
  version integer NOT NULL,
  quantity integer NOT NULL,
  is_from_shelf boolean NOT NULL,
  state text COLLATE "C" NOT NULL,
  reward text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  account_type text COLLATE "C" NOT NULL,
  money_currency text COLLATE "C",
  coupon_code text COLLATE "C",
  order_id text,
  reference text,
  reason text,
  CONSTRAINT reward_redemption_amounts CHECK (quantity > 0 AND points > 0),
  CONSTRAINT reward_redemption_money CHECK ((money_minor > 0) = (money_currency IS NOT NULL)),
  CONSTRAINT reward_redemption_state CHECK (
    (state = 'reserved' AND until IS NOT NULL AND redeemed_at IS NULL AND ended_at IS NULL)
    OR (state IN ('cancelled', 'timed_out') AND redeemed_at IS NULL AND ended_at IS NOT NULL)
    OR (state IN ('redeemed', 'sent', 'fulfilled') AND redeemed_at IS NOT NULL AND ended_at IS NULL
        AND (state = 'fulfilled') = (fulfilled_at IS NOT NULL))
    OR (state = 'refunded' AND redeemed_at IS NOT NULL AND ended_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX reward_redemption_of_customer ON reward_redemption (customer_id, id);
CREATE INDEX reward_redemption_by_state ON reward_redemption (state, id);
"""
TABLES = ("reward_shelf", "reward_redemption")
STARTING_REWARDS = {
    "canvas-bag": {
        "kind": "good",
        "names": {"zh-CN": "帆布袋", "en": "Canvas bag"},
        "about": {"zh-CN": "限量五百个，每位会员一个。", "en": "Five hundred of them, one for each member."},
        "price": {"points": 300},
        "stock": 500,
        "per_customer": {"times": 1},
        "sku": "canvas-bag",
    },
    "twenty-off": {
        "kind": "coupon",
        "names": {"zh-CN": "满100减20优惠券", "en": "Coupon: 20 off from 100"},
        "price": {"points": 200},
        "coupon": "twenty-off",
    },
    "plant-a-tree": {
        "kind": "donation",
        "names": {"zh-CN": "捐一棵树", "en": "Plant a tree"},
        "about": {"zh-CN": "用积分种下一棵树。", "en": "Your points plant a tree."},
        "price": {"points": 100},
    },
}


def upgrade() -> None:
    kit.run_script(op, REWARDS)
    kit.grant(op, service=SERVICE, tables=TABLES)
    kit.customer_rows(op, service=SERVICE, tables=["reward_redemption"])
    for code, reward in STARTING_REWARDS.items():
        documents.insert_first(op, "reward", code, reward)


def downgrade() -> None:
    documents.remove_kind(op, "reward")
    for table in reversed(TABLES):
        op.drop_table(table)

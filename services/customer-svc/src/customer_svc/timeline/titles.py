"""What a timeline entry is called, in zh-CN and en. Pure; an unknown kind is called by its name."""

from collections.abc import Mapping
from typing import Any, Final

from moat.kit.money import EXPONENT

TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "customer.created": ("成为客户", "Became a customer"),
    "customer.merged": ("与另一份客户档案合并", "Merged with another customer file"),
    "customer.split": ("与另一份客户档案拆分", "Parted again from another customer file"),
    "customer.profile_updated": ("客户资料更新:{fields}", "Profile updated: {fields}"),
    "customer.consent_changed": (
        "授权变更:{purpose}({channel}){status}",
        "Consent for {purpose} by {channel}: {status}",
    ),
    "customer.occasion_reached": ("客户纪念日:{kind}", "Occasion: {kind}"),
    "customer.activity_recorded": ("客户行为:{name}", "Activity: {name}"),
    "order.placed": ("下单 {order_id},{money}", "Placed order {order_id}, {money}"),
    "order.paid": ("支付订单 {order_id},{money}", "Paid order {order_id}, {money}"),
    "order.shipped": ("订单 {order_id} 已发货", "Order {order_id} shipped"),
    "order.delivered": ("订单 {order_id} 已送达", "Order {order_id} delivered"),
    "order.delayed": ("订单 {order_id} 延迟", "Order {order_id} delayed"),
    "order.cancelled": ("订单 {order_id} 已取消", "Order {order_id} cancelled"),
    "order.refunded": ("订单 {order_id} 退款 {money}", "Refund for order {order_id}, {money}"),
    "ticket.opened": ("工单 {number} 已创建", "Ticket {number} opened"),
    "ticket.replied": ("工单 {number} 有新回复", "Reply in ticket {number}"),
    "ticket.status_changed": (
        "工单 {number}:{from_status} → {to_status}",
        "Ticket {number}: {from_status} → {to_status}",
    ),
    "ticket.solved": ("工单 {number} 已解决", "Ticket {number} solved"),
    "ticket.closed": ("工单 {number} 已关闭", "Ticket {number} closed"),
    "ticket.reopened": ("工单 {number} 重新打开", "Ticket {number} reopened"),
    "member.enrolled": ("加入会员", "Joined the programme"),
    "points.earned": ("获得 {amount} 积分", "Earned {amount} points"),
    "points.reversed": ("收回 {amount} 积分", "{amount} points taken back"),
    "points.pending": ("{amount} 积分待生效", "{amount} points on their way"),
    "points.spent": ("使用 {amount} 积分", "Spent {amount} points"),
    "points.expiring": ("{amount} 积分将于 {expires_on} 过期", "{amount} points expire on {expires_on}"),
    "points.expired": ("{amount} 积分已过期", "{amount} points expired"),
    "points.adjusted": ("积分调整 {amount}({direction})", "Correction: {amount} points {direction}"),
    "points.refused": ("未发放 {amount} 积分({reason})", "{amount} points not given: {reason}"),
    "milestone.reached": ("达成里程碑:{milestone}", "Milestone: {milestone}"),
    "task.progressed": ("任务进展:{task}", "Progress in task {task}"),
    "task.completed": ("完成任务:{task}", "Completed task {task}"),
    "task.withdrawn": ("任务完成已撤销:{task}", "Task {task} no longer counts as completed"),
    "club.invited": ("受邀加入俱乐部:{club}", "Invited to the club {club}"),
    "club.invitation_declined": ("谢绝俱乐部邀请:{club}", "Declined the invitation to {club}"),
    "club.invitation_withdrawn": ("俱乐部邀请已撤回:{club}", "Invitation to {club} withdrawn"),
    "club.joined": ("加入俱乐部:{club}", "Joined the club {club}"),
    "club.renewed": ("俱乐部续期:{club}", "Membership of {club} renewed"),
    "club.renewal_withdrawn": ("俱乐部续期已撤销:{club}", "Renewal of {club} taken back"),
    "club.ending_soon": ("俱乐部即将到期:{club}", "Membership of {club} ends soon"),
    "club.lapsed": ("俱乐部已失效:{club}", "Membership of {club} lapsed"),
    "club.left": ("离开俱乐部:{club}({reason})", "No longer in the club {club}: {reason}"),
    "club.place_booked": ("报名俱乐部活动:{club}", "Booked a place at an event of {club}"),
    "club.place_waiting": ("俱乐部活动候补第 {position} 位:{club}", "Waits for an event of {club}, number {position}"),
    "club.place_moved_up": ("候补成功,俱乐部活动:{club}", "Moved up to a place at an event of {club}"),
    "club.place_changed": ("俱乐部活动时间或地点变更:{club}", "An event of {club} was moved"),
    "club.place_cancelled": ("俱乐部活动名额取消:{club}({reason})", "Place at an event of {club} gone: {reason}"),
    "honour.given": ("获得荣誉:{honour}", "Honoured: {honour}"),
    "honour.withdrawn": ("荣誉已收回:{honour}", "Honour taken back: {honour}"),
    "surprise.given": ("收到一份惊喜:{surprise}", "A surprise: {surprise}"),
    "referral.created": ("邀请了一位好友", "Brought a friend"),
    "referral.converted": ("受邀好友已下单", "The friend bought"),
    "referral.rewarded": ("获得邀请奖励 {points} 积分", "{points} points for a referral"),
    "referral.rejected": ("邀请未生效({reason})", "Referral does not count: {reason}"),
    "tier.upgraded": ("等级升级:{from_tier} → {to_tier}", "Tier up: {from_tier} → {to_tier}"),
    "tier.downgraded": ("等级下降:{from_tier} → {to_tier}", "Tier down: {from_tier} → {to_tier}"),
    "tier.retained": ("等级保留:{tier}", "Tier kept: {tier}"),
    "tier.downgrade_warned": ("等级即将下降:{tier} → {to_tier}", "Tier about to fall: {tier} → {to_tier}"),
    "coupon.issued": ("获得优惠券 {coupon}", "Got a coupon: {coupon}"),
    "coupon.refused": ("未发放优惠券 {coupon}({reason})", "No coupon {coupon}: {reason}"),
    "coupon.redeemed": ("使用优惠券 {coupon}", "Used a coupon: {coupon}"),
    "coupon.rolled_back": ("退回优惠券 {coupon}", "Coupon given back: {coupon}"),
    "reward.reserved": ("预留礼品 {reward},{points} 积分", "Reserved {reward} for {points} points"),
    "reward.redeemed": ("兑换 {reward},{points} 积分", "Redeemed {reward} for {points} points"),
    "reward.cancelled": ("取消兑换 {reward}({reason})", "Redemption of {reward} given up: {reason}"),
    "reward.fulfilled": ("已收到 {reward}", "Received {reward}"),
    "risk.raised": ("流失风险升高,{score} 分", "At risk of leaving, score {score}"),
    "risk.changed": ("流失风险变化,{score} 分", "Risk changed, score {score}"),
    "risk.cleared": ("流失风险解除", "No longer at risk"),
    "message.sent": ("消息已发送:{template}({channel})", "Message sent: {template} by {channel}"),
    "message.delivered": ("消息已送达:{template}({channel})", "Message delivered: {template} by {channel}"),
    "message.failed": ("消息发送失败:{template}({channel})", "Message failed: {template} by {channel}"),
    "message.suppressed": ("消息未发送:{template}({reason})", "Message held back: {template}, {reason}"),
    "message.deferred": ("消息推迟:{template}({channel})", "Message deferred: {template} by {channel}"),
}


class _Blanks(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def title_of(kind: str, data: Mapping[str, Any], language: str) -> str:
    """One line for people; `language` is zh-CN or en. Missing facts read as a question mark."""
    texts = TITLES.get(kind)
    if texts is None:
        return kind
    facts = _Blanks(data)
    amount = data.get("amount_minor", data.get("total_minor"))
    if isinstance(amount, int) and isinstance(data.get("currency"), str):
        facts["money"] = money_text(amount, data["currency"])
    if isinstance(data.get("fields"), list):
        facts["fields"] = ", ".join(map(str, data["fields"]))
    if isinstance(data.get("score"), float):
        facts["score"] = f"{data['score']:.0f}"
    return texts[1 if language == "en" else 0].format_map(facts)


def money_text(minor: int, currency: str) -> str:
    """CNY 29.33; no rounding, the digits of the currency."""
    digits = EXPONENT.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{currency} {sign}{whole:,}" + (f".{rest:0{digits}d}" if digits else "")

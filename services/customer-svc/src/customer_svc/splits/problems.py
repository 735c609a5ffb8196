"""What a split refuses."""

from moat.kit.problems import Conflict, NotFound


class NeverMerged(NotFound):
    """Nobody of this id was merged into this customer."""

    code, title = "customers.not_merged", "No such customer was merged into this one"


class MergedOn(Conflict):
    """Whom he was merged into was merged on since; only the last merge can be undone first."""

    code, title = "customers.merged_on", "Whom he was merged into was merged on: undo that merge first"


class AlreadySplit(Conflict):
    """The merge was undone before."""

    code, title = "customers.already_split", "These two have been parted already"


class TooManyOrders(Conflict):
    """More orders would go back than one event can name."""

    code, title = "customers.too_many_orders", "More orders would go back than can be told at once"

"""Uses of coupons: validated with every reason why not, reserved at checkout, redeemed, rolled back, timed out."""

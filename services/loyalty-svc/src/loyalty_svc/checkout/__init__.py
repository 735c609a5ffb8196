"""A basket on its way to the till: what it may cost with coupons and points, put aside and settled as one."""

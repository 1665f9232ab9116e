"""Who is where and when: the plan, its week, its places, and how full they are."""

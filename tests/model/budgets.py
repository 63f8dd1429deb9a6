"""What tenants of the model may have and use at a time: runs that are live, and starts a day.

Beside reference.py, whose runs are counted. What is not limited is not counted.
"""
from deployments import tenant_of

DAY_MS = 86_400_000


class Budgets:
    def open_budgets(self, tenants):
        self.budgets = {}  # name: how much each tenant may have, as the clients' next calls say
        self.used = {tenant: {} for tenant in tenants}

    def starts_today(self, used):
        return used.get('starts', 0) if used.get('day') == self.now // DAY_MS else 0

    def over_budget(self, app, **more):
        """What there would be too much of: name, size, what is used, what is asked for, until when, now."""
        used = self.used[tenant_of(app)]
        for name, count in (('live', used.get('live', 0)), ('starts', self.starts_today(used))):
            most, asked = self.budgets.get(name), more[name]
            if most is not None and asked and count + asked > most:
                passes = name == 'starts' and asked <= most
                return [name, most, count, asked, (self.now // DAY_MS + 1) * DAY_MS if passes else 0, self.now]
        return None

    def count_start(self, app):
        if 'starts' in self.budgets:
            used = self.used[tenant_of(app)]
            used.update(starts=self.starts_today(used) + 1, day=self.now // DAY_MS)

    def count_live(self, run, was_counted):
        """A run is live in the place of one that was counted, or was not."""
        if 'live' in self.budgets and not was_counted:
            used = self.used[tenant_of(run.home[0])]
            used['live'] = used.get('live', 0) + 1
        run.budgeted = 1 if was_counted or 'live' in self.budgets else None

    def leave_budget(self, run):
        if run.budgeted:
            self.used[tenant_of(run.home[0])]['live'] -= 1
        run.budgeted = None

    def count_old(self):
        """Runs from before their tenant had a budget."""
        for run in self.runs:
            used = self.used[tenant_of(run.home[0])]
            if run.member in self.live and run.status == 'running' and 'live' in used and not run.budgeted:
                run.budgeted, used['live'] = 1, used['live'] + 1

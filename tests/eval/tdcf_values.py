"""Makes tdcf_values.json: scores of a countermeasure and of speaker verification, and the t-DCFs that the published formulas give for them.

Written from the papers alone: Kinnunen et al., t-DCF (Odyssey 2018) and ASVspoof 2019's evaluation plan for 2019; Kinnunen et al., Tandem Assessment of Spoofing
Countermeasures and Automatic Speaker Verification (IEEE/ACM TASLP 28, 2020) for 2021. Thresholds are tried one by one. Higher = target, bona fide."""
import json
import pathlib
import random

P_SPOOF, C_MISS, C_ACCEPT = 0.05, 1, 10
P_TARGET, P_NONTARGET = (1 - P_SPOOF) * 0.99, (1 - P_SPOOF) * 0.01


def below(scores, threshold):
    return sum(s < threshold for s in scores) / len(scores)


def equal_error_threshold(targets, nontargets):
    """Trials in ascending order, targets first among equals; after which of them are the rates nearest?"""
    order = sorted([(s, 0) for s in targets] + [(s, 1) for s in nontargets])
    best, threshold, rejected = 1.0, order[0][0] - 0.001, [0, 0]
    for s, kind in order:
        rejected[kind] += 1
        gap = abs(rejected[0] / len(targets) - (len(nontargets) - rejected[1]) / len(nontargets))
        if gap < best:
            best, threshold = gap, s
    return threshold


def tdcf(asv, bonafide, spoof):
    t = equal_error_threshold(asv["target"], asv["nontarget"])
    miss, false_alarm, spoof_rejected = below(asv["target"], t), 1 - below(asv["nontarget"], t), below(asv["spoof"], t)
    c1 = P_TARGET * (1 - C_MISS * miss) - P_NONTARGET * C_ACCEPT * false_alarm
    c2 = C_ACCEPT * P_SPOOF * (1 - spoof_rejected)
    c0 = P_TARGET * C_MISS * miss + P_NONTARGET * C_ACCEPT * false_alarm
    c1_2021 = P_TARGET * C_MISS - c0
    rates = [(below(bonafide, s), 1 - below(spoof, s)) for s in [*bonafide, *spoof, float("inf")]]
    return {"threshold": t, "miss": miss, "false_alarm": false_alarm, "spoof_accepted": 1 - spoof_rejected,
            "tdcf_2019": min(c1 * m + c2 * a for m, a in rates) / min(c1, c2),
            "tdcf_2021": min(c0 + c1_2021 * m + c2 * a for m, a in rates) / (c0 + min(c1_2021, c2))}


def case(name, rng, step, apart, spoof_at, n):
    def draw(mean, count):
        return [round(rng.gauss(mean, 1) / step) * step for _ in range(count)]
    asv = {"target": draw(apart, n), "nontarget": draw(-apart, 2 * n), "spoof": draw(spoof_at, n)}
    bonafide, spoof = draw(1, n), draw(-1, 3 * n)
    return {"name": name, "asv": asv, "bonafide": bonafide, "spoof": spoof, **tdcf(asv, bonafide, spoof)}


def cases():
    rng = random.Random(1)
    ties = {"asv": {"target": [0, 3], "nontarget": [1, 2, 4], "spoof": [1.5, 5, 0.5, 2.5]}, "bonafide": [2, 0.5], "spoof": [0, 1]}
    return [case("good verification, dangerous spoofs", rng, 2**-20, 2.5, 2, 60), case("many ties", rng, 0.5, 1.5, 1, 80),
            case("weak verification, harmless spoofs", rng, 2**-20, 0.7, -1, 100), case("few trials", rng, 0.25, 2, 0, 7),
            {"name": "rates that tie", **ties, **tdcf(**ties)}]


if __name__ == "__main__":
    pathlib.Path(__file__).with_name("tdcf_values.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases()) + "\n]\n")

"""Whether one load test was slower than another, or only different from it as any two are.

Two runs of one and the same service never agree: the machine drifts, the collector pauses, a
deploy puts the pages elsewhere. A comparison therefore asks how much the numbers move by
themselves, and calls a difference one only where it is more than that.

**What is measured.** For each endpoint a percentile (or the mean) of the response time, from the
intended send. Differences are ratios, so all arithmetic is on logarithms; a side of several runs is
the geometric mean of theirs. Percentiles are interpolated within a bucket of the histogram, which
is why a ratio may differ in its third digit from that of the two numbers beside it.

**How much it moves by itself.** There are two measures (``samples``, ``difference``):

- *Within a run*, from its blocks, stretches of a thirtieth of the run with a histogram each. A
  percentile's error comes from the share of each block's requests that lie below it (Woodruff
  1952), which needs no resampling and no assumption on the shape of the distribution, and which a
  single pause cannot blow up. Neighbouring blocks resemble each other, so that thirty blocks are
  worth fewer than thirty observations; the variance of their sum is taken from their slowest
  cosines (Müller 2007), as many of them as Lazarus, Lewis, Stock and Watson (2018) recommend: four
  of thirty blocks, and so four degrees of freedom. On the simulated server of the tests this gives
  standard errors within 15 % of the true ones, where blocks taken as independent give down to 0.54
  of them. What differs from run to run is in no block: a spread of 1 % is assumed for it.
- *From run to run*, where the sides have four runs or more together: the spread of the runs' own
  values around their side's mean. The larger of the two measures counts, with its degrees of
  freedom.

Under a load that changes (stages) blocks differ because the load does: single runs are compared
block by block, and repeated runs by their spread alone.

The verdict is Student's t test (with the degrees of freedom of Welch 1947 and Satterthwaite 1946),
at 5 % for all endpoints together (Holm 1979), and at 2 % where only blocks tell the noise. The
interval shown beside it is the one at the level at which that endpoint was tested, so that it never
contradicts the verdict. Where it reaches beyond twice as slow, nothing can be compared.

**The noise floor** (``noise``) is an A/A test: the base against itself, its runs in all ways of two
groups, or its blocks in halves, scaled to the sizes compared. What 19 of 20 splits of the base do
not exceed is no finding, whatever the test says.

**What fails** (``verdicts``): an endpoint whose difference is established (the interval excludes 1,
the noise floor is exceeded) and whose estimate is beyond the tolerance; or one that fails more
often. An interval that lies beyond the tolerance as a whole would prove more than the tolerance;
to ask for that would find a slowdown of 10 % in fewer than half of the pairs of runs of a minute.

**Failures** (``failures``) are compared as two rates, with the counts divided by their dispersion:
failures come in bursts, and a burst is one event.

What it cannot see, and what stands in the documentation too:

- With one run a side, whatever differs from run to run (a restart, another neighbour, a cache
  that was warm) is taken for a difference of the services. Three runs a side, alternating, cure it.
- "No difference" is not "equal": the interval says what may still hide. A comparison says so where
  a slowdown beyond the tolerance is not excluded.
- The t test needs values that are roughly normal; for p99 of few requests they are not, and the
  verdict is then cautious.

Sources: R. S. Woodruff, "Confidence intervals for medians and other position measures", JASA 47
(1952); U. K. Müller, "A theory of robust long-run variance estimation", J. Econometrics 141 (2007);
E. Lazarus, D. J. Lewis, J. H. Stock, M. W. Watson, "HAR inference: recommendations for practice",
JBES 36 (2018); B. L. Welch, Biometrika 34 (1947); F. E. Satterthwaite, Biometrics Bulletin 2
(1946); S. Holm, Scand. J. Statistics 6 (1979); J. Przyborowski and H. Wilenski, Biometrika 31
(1940), for two rates.
"""

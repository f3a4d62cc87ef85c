# SPDX-License-Identifier: PostgreSQL
# Samples and shipped policies; what a county uses it copies to its own folder, so that an upgrade never changes a policy in force.
sampledir = $(pkgdatadir)
policydir = $(pkgdatadir)/policies
feedsampledir = $(pkgdatadir)/feeds.d
dist_sample_DATA = conf/shouwang.conf conf/facts.conf
dist_policy_DATA = \
	conf/policies/shaanxi-county.policy \
	conf/policies/shaanxi-county-classes.policy \
	conf/policies/shenyang-district.policy \
	conf/policies/suining-town.policy \
	conf/policies/sixian-dunji.policy \
	conf/policies/pingluo-tongfu.policy \
	conf/policies/guangxi.policy \
	conf/policies/national-frame.policy \
	conf/policies/ningxia-special-care.policy \
	conf/policies/jilin-linjiang.policy \
	conf/policies/sichuan.policy
dist_feedsample_DATA = conf/feeds.d/disabled_federation.native.conf.example conf/feeds.d/medical_insurance.native.conf.example

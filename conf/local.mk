# SPDX-License-Identifier: PostgreSQL
EXTRA_DIST += conf/feeds.d/disabled_federation.native.conf.example conf/feeds.d/medical_insurance.native.conf.example

/* SPDX-License-Identifier: PostgreSQL */
#include "domain/fact.h"

const struct source_name source_names[] = {
    {1, "medical_insurance", "医保局"},
    {2, "disabled_federation", "残联"},
    {3, "education", "教育局"},
    {4, "hr_social_security", "人社局"},
    {5, "housing", "住建局"},
    {6, "emergency", "应急管理局"},
    {7, "revitalisation", "乡村振兴局"},
    {8, "health", "卫健局"},
    {9, "civil_affairs", "民政局"},
    {10, "public_security", "公安局"},
    {11, "natural_resources", "自然资源局"},
    {12, "market_regulation", "市场监管局"},
    {13, "tax", "税务局"},
    {14, "vehicles", "车管所"},
    {15, "housing_fund", "公积金中心"},
    {16, "economic_check", "核对中心"},
    {17, "trade_union", "总工会"},
    {18, "water", "水利局"},
    {19, "justice", "司法局"},
    {20, "women_federation", "妇联"},
    {21, "youth_league", "团委"},
    {22, "hotline", "12345热线"},
    {0, NULL, NULL},
};

static const struct source_name the_register = {SOURCE_REGISTER, "register", "登记"};

const struct source_name *source_by_name(struct slice name)
{
    if (slice_is(name, the_register.name))
        return &the_register;
    for (const struct source_name *source = source_names; source->name; source++)
        if (slice_is(name, source->name))
            return source;
    return NULL;
}

// SPDX-License-Identifier: PostgreSQL
// The policies of a county's history: what the county's office changes from one version to the next, clause by clause.

const HEAD = (version, { jobless }) => `政策 试 版本 ${version} 生效 2019-01-01
文件 甲 "试"
来源 医保局 medical_insurance 时效 35天
来源 住建局 housing 时效 35天 波动 ≤ 3 倍中位差 按乡镇
来源 民政局 civil_affairs 时效 60天
来源 公安局 public_security 时效 95天
来源 人社局 hr_social_security 时效 35天 ${jobless}
标准 低保 : 元/年/人 按 城乡
  2018-01-01 起 农村 4830.00 城市 7320.00  依据 甲 一
  2021-07-01 起 农村 5200.00 城市 7800.00  依据 甲 一
事实 工资 : 元 范围 0..5000000.00元 取 income.wage
事实 医疗 : 元 范围 0..5000000.00元 取 expense.medical_self_paid 由 医保局
事实 收入申报 : 是否 取 income.declared
事实 房屋 : 代码 取 housing.grade 由 住建局
事实 低保待遇 : 是否 取 relief.dibao
事实 护理补贴 : 是否 取 relief.disability_nursing
事实 残疾证 : 是否 取 disability.certificate
事实 失业 : 事件 取 event.job_loss 由 人社局
事实 死亡 : 事件 取 event.death
时段 本年 = 近12月
人群 成员 = 登记人员 中 非 至今 发生 死亡
断 在保 = 存在(成员 与 本户, 现有 低保待遇)
算 人口 : 人 = 计数(成员)
算 年收入 : 元/年/户 = 申报(本年 末日有 收入申报, 5000000.00元, 合计(成员 与 本户, 本年 工资))
算 医疗支出 : 元/年/户 = 合计(成员, 本年 医疗)
算 人均 : 元/年/人 = 年收入 ÷ 人口
算 扣减后 : 元/年/人 = (年收入 - 医疗支出) ÷ 人口
渐退 渐退期 自 低保待遇
  6月 当 人均 < 2 × 低保 依据 甲 二
`;

const clause = (kind, rule, lines) => `${kind} ${rule} ${rule.replace(/.*\./, '名')}\n  依据 甲 三\n${lines.map((line) => `  ${line}\n`).join('')}`;
const reason = (what) => [`事由 ${what}`, '理由 "理"'];

const POOR = (rule) => clause('红', rule, ['除外 在保', '当 人均 < 低保', ...reason('收入')]);
const SICK = (kind, clear) => clause(kind, 'rigid.sick', ['除外 在保', '凭 医疗支出 > 8000.00元/年/户', '且 扣减后 < 2 × 低保', ...reason('疾病'), ...clear]);
const HOUSE = (clear) => ['除外 在保', '当 最新 房屋 属于 (C, D)', ...reason('住房'), ...clear];
const HOUSES = (clear) => clause('黄', 'unsafe.house', ['生效 2019-01-01 至 2021-06-30', ...HOUSE(clear)]) + clause('橙', 'unsafe.house', ['生效 2021-07-01', ...HOUSE(clear)]);
const LEFT = clause('黄', 'left.relief', ['当 渐退期', ...reason('退出')]);
const UNREADABLE = clause('核', 'verify.unreadable', ['除外 在保', '凭 含未知(医疗支出)', '且 人均 < 3 × 低保', ...reason('数据')]);
const JOBLESS = clause('黄', 'jobless', ['当 存在(成员, 近3月 发生 失业)', ...reason('收入')]);
const NURSING = (kind, clear = []) => clause(kind, 'nursing', ['某 成员', '  当 现有 残疾证', '  且 非 现有 护理补贴', '理由 "理"', ...clear]);
const DEAD = clause('查', 'dead.relief', ['无成员亦查', '某 登记人员', '  当 至今 发生 死亡', '  且 现有 低保待遇', '理由 "理"']);
const OLD = (kind) => clause(kind, 'old', ['当 存在(成员, 年龄 ≥ 80岁)', ...(kind === '黄' ? reason('其他') : ['理由 "理"'])]);
const AID = (kind) => clause(kind, 'aid', kind === '议' ? ['限于 等级 属于 (红)', '当 人口 ≥ 2人', '理由 "理"'] : ['当 人口 ≥ 5人', ...reason('其他'), '解除 连续3轮']);

/** Every policy that the county ever has, the first first; one comes in the place of any other. */
export const POLICIES = [
  HEAD('1', { jobless: '不可解警' }) + POOR('red.poor') + SICK('黄', ['解除 医保局 连续2批']) + HOUSES(['解除 连续2轮']) + LEFT + UNREADABLE + JOBLESS + NURSING('查') + DEAD + OLD('签') + AID('议'),
  // another name, another level, other conditions of clearing, another trust
  HEAD('2', { jobless: '可解警' }) + POOR('red.low') + SICK('橙', ['解除 医保局 连续1批', '解除 连续3轮']) + HOUSES([]) + LEFT + UNREADABLE + JOBLESS + NURSING('查', ['解除 连续2轮']) + DEAD + OLD('签') + AID('议'),
  // clauses that become others: a check a tag, a tag a warning, a suggestion a warning; and clauses that go
  HEAD('3', { jobless: '不可解警' }) + SICK('黄', ['解除 连续2轮']) + HOUSES(['解除 连续3轮']) + UNREADABLE + JOBLESS + NURSING('签', ['解除 连续2轮']) + DEAD + OLD('黄') + AID('黄'),
];

// SPDX-License-Identifier: PostgreSQL
// Small policies by chance, and households for them: all amounts are below three yuan, so that every fen can be tried, and every kind of
// fact, window and source stands there. Clauses are one string each, so that a test can leave out those that the checker refuses.
import { DICTIONARY } from './county.mjs';

export const DATE = '2021-06-30';
export const GREATEST = 300n; // fen that an amount may have
export const SOURCES = ['medical_insurance', 'tax', 'housing', 'register']; // of the policies, then the register
const CITED = '  依据 甲 一\n';

export const HEAD = `政策 偶然  版本 1  生效 2019-01-01
文件 甲 "试验文件"
来源 医保局 medical_insurance  时效 35天
来源 税务 tax  时效 35天
来源 住建局 housing  时效 35天
标准 线 : 元/年/人 按 城乡
  2018-01-01 起  农村 0.60 城市 1.20  依据 甲 一
  2021-02-01 起  农村 0.80 城市 1.60  依据 甲 一
设定 上限 : 元 = 3.00  依据 甲 一
设定 倍数 : 比 = 3/2  依据 甲 一
时段 本年 = 近12月
时段 上年 = 近24月 至 近12月
事实 工资 : 元 范围 0..上限 取 income.wage
事实 自付 : 元 范围 0..上限 取 expense.medical_self_paid 先 税务
事实 学费 : 元 范围 0.05..2.50 取 expense.education
事实 存款 : 元 范围 0..上限 取 asset.deposit 先 住建局 税务
事实 低保待遇 : 是否 取 relief.dibao
事实 低保金 : 元 范围 0..上限 取 relief.dibao
事实 特困 : 是否 取 relief.tekun 先 住建局
事实 申报过 : 是否 取 income.declared
事实 用水 : 是否 取 water.safe 先 住建局
事实 房屋 : 代码 取 housing.grade 先 税务
事实 残疾证 : 是否 取 disability.certificate
事实 残类 : 类 范围 1..7 取 disability.certificate 的 类别
事实 残级 : 级 范围 1..4 取 disability.certificate 的 等级
事实 大病 : 是否 取 illness.serious
事实 受灾 : 事件 取 event.disaster
事实 死亡 : 事件 取 event.death
人群 成员 = 登记人员 中 非 至今 发生 死亡
逐人 重残 = 最新 残级 ≤ 2 且 最新 残类 属于 (4, 5, 6)
算 人口 : 人 = 计数(成员)
算 收入 : 元/年/户 = 申报(现有 申报过, 上限, 合计(成员 与 本户, 本年 工资))
算 支出 : 元/年/户 = 合计(成员 与 本户, 本年 自付 + 本年 学费)
算 人均 : 元/年/人 = 收入 ÷ 人口
断 贫 = 人均 < 线
`;

const fen = (n) => `${Math.floor(n / 100)}.${String(n % 100).padStart(2, '0')}`;

/** Expressions by chance, from a source of chance (policy-search.mjs: chanceFrom). */
export class Maker {
  constructor(random) {
    this.random = random;
    this.named = 0;
  }

  window() { return this.random.pick(['本年', '本年', '本年', '上年', '近30日', '近6月', '近2年', '近24月 至 近1日']); }
  yuan(unit) { return `${fen(this.random.upTo(300))}${unit}`; }
  ratio() { return this.random.pick(['2', '3/2', '1/2', '1/3', '倍数', '70%', '1.25']); }
  sign() { return this.random.pick(['<', '≤', '>', '≥', '<', '≥', '=', '≠']); }
  amount() { return this.random.pick(['工资', '自付', '学费']); }
  set(depth = 1) {
    const { pick, chance } = this.random;
    if (depth > 0 && chance(20)) return `登记人员 中 ${this.ofPerson(0)}`;
    return pick(['成员', '成员', '成员', '登记人员', '成员 与 本户']);
  }

  /** yuan/year/person, of one person */
  personQuantity(depth) {
    const { pick, chance } = this.random;
    if (depth <= 0 || chance(55)) return pick([`本年 ${this.amount()}`, `本年 ${this.amount()}`, `本年 ${this.amount()}`, this.yuan('元/年/人'), '线', '人均']);
    const a = this.personQuantity(depth - 1), b = this.personQuantity(depth - 1);
    return pick([() => `(${a} + ${b})`, () => `(${a} - ${b})`, () => `${this.ratio()} × ${a}`, () => `较大(${a}, ${b})`, () => `较小(${a}, ${b})`,
      () => `(若 ${this.ofPerson(0)} 取 ${a} 否则 ${b})`])();
  }

  /** yuan/year/household */
  householdQuantity(depth) {
    const { pick, chance } = this.random;
    if (depth <= 0 || chance(50))
      return pick(['收入', '支出', this.yuan('元/年/户'), `合计(${this.set()}, ${this.personQuantity(1)})`, `合计(成员, 本年 ${this.amount()})`, `本年 ${this.amount()}`, '12月/年 × 合计(成员, 现有 低保金)']);
    const a = this.householdQuantity(depth - 1), b = this.householdQuantity(depth - 1);
    return pick([() => `(${a} + ${b})`, () => `(${a} - ${b})`, () => `${this.ratio()} × ${a}`, () => `较大(${a}, ${b})`, () => `较小(${a}, ${b})`,
      () => `(若 ${this.ofHousehold(0)} 取 ${a} 否则 ${b})`])();
  }

  state() {
    const { pick } = this.random;
    const has = pick(['低保待遇', '特困', '申报过', '残疾证', '大病', '用水']);
    return pick([`现有 ${has}`, `现有 ${has}`, `现有 ${has} 满 ${pick(['6月', '30天', '2年'])}`, `${this.window()} ${pick(['曾有', '末日有', '终止', '开始', '有记录'])} ${has}`,
      `${this.window()} 发生 受灾`, '至今 发生 受灾', `至今 有记录 ${pick([has, '受灾', '工资', '房屋'])}`, `不一致 ${pick(['低保待遇', '特困', '用水', '房屋'])}`,
      `最新 用水 = ${pick(['是', '否'])}`, `最新 房屋 属于 (${pick(['C, D', 'A', 'A, C'])})`, `最新 房屋 ${pick(['=', '≠'])} ${pick(['A', 'B', 'C', 'D'])}`, `现有 房屋 属于 (${pick(['C, D', 'B'])})`]);
  }

  /** a condition about one person */
  ofPerson(depth) {
    const { pick, chance } = this.random;
    if (depth > 0 && chance(45)) return this.logic(() => this.ofPerson(depth - 1));
    return pick([() => this.state(), () => this.state(), () => `年龄 ${this.sign()} ${pick([16, 18, 60, 70])}岁`, () => '重残', () => `最新 残级 ${pick(['≤', '<', '≥', '='])} ${pick([2, 3])}`, () => `最新 残类 属于 (${pick(['1', '5, 6', '4, 7'])})`,
      () => `${this.personQuantity(1)} ${this.sign()} ${this.personQuantity(1)}`, () => `本年 ${this.amount()} ${this.sign()} ${this.yuan('元/年/人')}`,
      () => `最新 存款 ${this.sign()} ${this.yuan('元/人')}`, () => `现有 低保金 ${this.sign()} ${this.yuan('元/月/人')}`, () => `本年 不一致 ${this.amount()}${pick(['', ` 超过 ${this.yuan('元')}`])}`, () => `不一致 低保金 超过 ${this.yuan('元')}`,
      () => `亲属 属于 (${pick(['户主', '子, 女', '父母'])})`, () => `劳动力 ${pick(['=', '≠'])} ${pick(['无', '完全'])}`, () => '本户 现有 低保待遇'])();
  }

  /** a condition about the household */
  ofHousehold(depth) {
    const { pick, chance } = this.random;
    if (depth > 0 && chance(40)) return this.logic(() => this.ofHousehold(depth - 1));
    return pick([() => this.state(), () => pick(['农村', '城市', '贫', '非 贫']), () => `${pick(['存在', '存在', '全都'])}(${this.set()}, ${this.ofPerson(1)})`, () => `计数(成员, ${this.ofPerson(1)}) ${this.sign()} ${pick([1, 2])}人`,
      () => `${this.householdQuantity(1)} ${this.sign()} ${this.householdQuantity(1)}`, () => `收入 ${this.sign()} ${this.yuan('元/年/户')}`, () => `人均 ${this.sign()} ${this.ratio()} × 线`,
      () => `人均 ${this.sign()} ${pick(['本年', '近6月', '近30日'])} 线`, () => `支出 ${this.sign()} ${this.ratio()} × 收入`,
      () => `${pick(['最大', '最小'])}(成员, ${this.personQuantity(1)}) ${this.sign()} ${this.yuan('元/年/人')}`, () => `含未知(${pick(['收入', '支出', '人均'])})`,
      () => `合计(成员 与 本户, 最新 存款) ${this.sign()} ${this.yuan('元/户')}`])();
  }

  logic(part) {
    const { pick } = this.random;
    return pick([() => `(${part()} 且 ${part()})`, () => `(${part()} 或 ${part()})`, () => `非 ${part()}`])();
  }

  /** [rule, its text]; kind: one of 红 橙 黄 核 查 签 议 */
  clause(kind = this.random.pick(['红', '橙', '黄', '红', '橙', '黄', '核', '查', '签', '议'])) {
    const { pick, chance } = this.random;
    const rule = `c.r${++this.named}`;
    let text = `${kind} ${rule} 题${this.named}\n${CITED}`;
    if (chance(20)) text += `  限于 ${kind === '议' && chance(60) ? `等级 属于 (${pick(['红', '橙, 黄', '无'])})` : this.ofHousehold(0)}\n`;
    if (chance(20)) text += `  除外 ${this.ofHousehold(0)}\n`;
    const evidence = () => (kind !== '议' && chance(35) ? '凭' : '当');
    const lines = 1 + (chance(45) ? 1 : 0);
    for (let i = 0; i < lines; i++) text += `  ${evidence()} ${this.ofHousehold(1)}\n`;
    if (chance(25)) text += `  某 ${this.set(0)}\n    ${evidence()} ${this.ofPerson(1)}\n${chance(40) ? `    且 ${this.ofPerson(1)}\n` : ''}`;
    if ('红橙黄核'.includes(kind)) text += `  事由 收入\n`;
    if (kind === '议' && chance(70)) text += `  金额 ${pick(['较大(线 - 人均, 0)', this.yuan('元/户'), `${this.ratio()} × 支出`, '收入 - 支出'])}\n`;
    return [rule, `${text}  理由 "人均{人均}"\n`];
  }
}

// --- households --------------------------------------------------------------------------------------------------------------

const CODES = ['income.wage', 'income.wage', 'expense.medical_self_paid', 'expense.education', 'asset.deposit', 'relief.dibao', 'relief.tekun', 'income.declared', 'water.safe',
  'housing.grade', 'disability.certificate', 'illness.serious', 'event.disaster', 'event.death'];
const AMOUNT_DAYS = ['2021-06-30', '2021-06-30', '2021-03-01', '2020-07-01', '2020-06-30', '2021-05-31', '2021-07-01', '2019-06-30'];
const FROM = ['2018-01-01', '2020-06-30', '2020-07-01', '2020-12-30', '2020-12-31', '2021-01-31', '2021-06-30', '2021-07-01'];
const TO = ['', '', '', '2021-06-30', '2021-06-29', '2021-03-01', '2020-06-30', '2022-01-01'];
const BIRTHS = ['1950-06-30', '1951-06-30', '1951-07-01', '1980-01-01', '2003-06-30', '2003-07-01', '2005-06-30', '2010-03-01'];

function valueFor(code, random) {
  const { pick, upTo, chance } = random;
  switch (DICTIONARY.get(code).kind) {
    case 'amount': return chance(15) ? null : BigInt(chance(6) ? 301 : upTo(300));
    case 'relief': return pick(['yes', 'yes', 'no', fen(upTo(300)), fen(upTo(300))]);
    case 'yesno': return pick(['yes', 'yes', 'no']);
    case 'event': return chance(85) ? 'yes' : 'no';
    case 'choice': return pick(DICTIONARY.get(code).choices);
    case 'certificate': return `${pick([1, 4, 5, 6, 7])}${pick([1, 2, 3, 4])}`;
    default: return pick(['I10', 'yes', 'no']); // text
  }
}

/** { area, township, persons: [{ birth, kinship, labour }], facts: [{ whose: 'household' or index, code, kind, value, from, to, source }] } */
export function randomHousehold(random, greatest = 3) {
  const { pick, upTo, chance } = random;
  const persons = Array.from({ length: 1 + upTo(greatest - 1) }, () => ({ birth: pick(BIRTHS), kinship: pick(['02', '20', '50', '']), labour: pick(['full', 'none', '']) }));
  const facts = [];
  for (let i = 2 + upTo(6); i > 0; i--) {
    const code = pick(CODES), { kind } = DICTIONARY.get(code);
    if (code === 'event.death' && chance(60)) continue;
    const whose = kind !== 'certificate' && chance(25) ? 'household' : upTo(persons.length - 1);
    const source = chance(50) ? 'register' : pick(SOURCES);
    const from = kind === 'amount' || kind === 'event' ? pick(AMOUNT_DAYS) : pick(FROM);
    const to = kind === 'amount' || kind === 'event' ? '' : pick(TO.filter((day) => day === '' || day >= from));
    // One fact of a code, subject, source and day: a second would be the same one, told again.
    if (facts.some((one) => one.whose === whose && one.code === code && one.source === source && one.from === from)) continue;
    facts.push({ whose, code, kind, value: valueFor(code, random), from, to, source });
    if (chance(25) && kind !== 'event') { // another source says something else
      const other = pick(SOURCES.filter((one) => one !== source));
      if (!facts.some((one) => one.whose === whose && one.code === code && one.source === other && one.from === from))
        facts.push({ whose, code, kind, value: valueFor(code, random), from, to, source: other });
    }
  }
  return { area: pick(['rural', 'urban']), township: pick(['610922103', '610922104']), persons, facts };
}
